import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { z } from "zod";
import { startTaskRun, type TaskRun, type TaskRunOptions } from "#embedded/index";
import { agent } from "#worker/index";

/** Greets, with some output. */
export const greet = agent({
  name: "greet",
  input: z.object({ name: z.string() }),
  async *run({ name }) {
    yield `Hello ${name}\n`;
    return { greeted: name };
  },
});

/** Waits until it is told to stop, or for ever. */
export const sleep = agent({
  name: "sleep",
  input: z.looseObject({}),
  run: (_, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
});

const planes: TaskRun[] = [];
const folders: string[] = [];

/** A plane that is stopped after the test, in memory unless the options say otherwise, and quiet. */
export async function started(options: TaskRunOptions = {}): Promise<TaskRun> {
  const store = options.data === undefined ? ({ store: "memory" } as const) : {};
  const taskrun = await startTaskRun({ ...store, log: "silent", drainMs: 0, ...options });
  planes.push(taskrun);
  return taskrun;
}

/** A folder that is removed after the test. */
export async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "taskrun-embedded-"));
  folders.push(made);
  return made;
}

afterEach(async () => {
  for (const taskrun of planes.splice(0)) await taskrun.stop();
  for (const made of folders.splice(0)) await rm(made, { recursive: true, force: true });
});
