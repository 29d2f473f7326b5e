import { startTaskRun } from "taskrun";
import { summarize } from "./agents.mjs";

const taskrun = await startTaskRun({ store: "memory", agents: [summarize] });
const text = process.argv[2] ?? "One. A longer sentence. The longest sentence of all.";
try {
  console.log(await taskrun.client.tasks.run({ agent: "summarize", input: { text } }));
} finally {
  await taskrun.stop();
}
