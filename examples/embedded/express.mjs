/** An Express application with TaskRun's protocols, health and metrics under /taskrun, beside a route of its own. */
import { once } from "node:events";
import express from "express";
import { startTaskRun } from "taskrun";
import { summarize } from "./agents.mjs";

const taskrun = await startTaskRun({ store: "memory", agents: [summarize] });

const app = express();
app.use("/taskrun", taskrun.handler()); // before anything that parses bodies
app.use(express.json());
app.post("/summaries", async (request, response) => {
  response.json(await taskrun.client.tasks.run({ agent: "summarize", input: request.body }));
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
await once(server, "listening");
console.log(`http://127.0.0.1:${server.address().port}`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    server.close();
    await taskrun.stop();
    server.closeAllConnections();
  });
}
