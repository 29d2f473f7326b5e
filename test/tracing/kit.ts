import { afterEach } from "vitest";
import { z } from "zod";
import { startTaskRun, type TaskRun, type TaskRunOptions } from "#embedded/index";
import { AgentError, agent } from "#worker/index";
import { Collector } from "./collector.js";

const any = z.looseObject({});

/** Does nothing. */
export const work = agent({ name: "work", input: any, run: async () => ({ secret: "result-of-work" }) });

/** Fails at its first try. */
export const flaky = agent({
  name: "flaky",
  input: any,
  run: async (_, { attempt }) => {
    if (attempt === 1) throw new Error("secret-message");
    return { done: true };
  },
});

/** Fails for good. */
export const broken = agent({
  name: "broken",
  input: any,
  run: async () => {
    throw new AgentError("secret-message", { retryable: false });
  },
});

/** Waits until it is stopped. */
export const sleep = agent({
  name: "sleep",
  input: any,
  run: (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
});

const planes: TaskRun[] = [];
const collectors: Collector[] = [];

/** A plane whose traces go to a collector of its own, with agents of this file. */
export async function tracedPlane(
  options: TaskRunOptions = {},
): Promise<{ readonly taskrun: TaskRun; readonly collector: Collector }> {
  const collector = await Collector.start();
  collectors.push(collector);
  const taskrun = await startTaskRun({
    store: "memory",
    log: "silent",
    drainMs: 0,
    agents: [work, flaky, broken, sleep],
    tracing: { otlp: collector.url },
    ...options,
  });
  planes.push(taskrun);
  return { taskrun, collector };
}

/** Stops the plane: what is left is sent. */
export async function stopped(taskrun: TaskRun): Promise<void> {
  planes.splice(planes.indexOf(taskrun), 1);
  await taskrun.stop();
}

afterEach(async () => {
  for (const taskrun of planes.splice(0)) await taskrun.stop();
  for (const collector of collectors.splice(0)) await collector.close();
});

export const fourSteps = `
name: four
namespace_name: default
version: 1.0.0
steps:
  - name: read
    handler: { callable: work }
  - name: left
    dependencies: [read]
    handler: { callable: work }
  - name: right
    dependencies: [read]
    handler: { callable: work }
  - name: join
    dependencies: [left, right]
    handler: { callable: work }
`;
