/**
 * The real plane in memory, in virtual time, with workers and a client in this process: for tests of agents, workflows and
 * what becomes of them when something fails.
 */
import { checkedOptions, type TestPlaneOptions } from "./options.js";
import type { TestPlane } from "./test-plane.js";
import { VirtualPlane } from "./virtual-plane.js";

export { NotEnded } from "./not-ended.js";
export type { TestPlaneOptions } from "./options.js";
export type { ScriptedFailure } from "./scripted-failures.js";
export type { TestPlane } from "./test-plane.js";
export type { TestWorker, TestWorkerOptions, TestWorkerState } from "./test-worker.js";

/**
 * Starts a plane in memory and in virtual time. Works in any test runner; nothing is shared between planes.
 *
 * @throws {TypeError | RangeError} naming the option that is wrong
 * @throws {TaskRunError} if a template is refused
 *
 * @example
 * ```ts
 * import assert from "node:assert";
 * import { testPlane } from "taskrun/testing";
 * import { agent } from "taskrun/worker";
 *
 * const flaky = agent({ name: "flaky", run: async (_, { attempt }) => ({ attempt }) });
 * await using plane = await testPlane({ agents: [flaky] });
 * plane.fail({ agent: "flaky", attempt: [1, 2], error: "overloaded", retryAfterMs: 3_600_000 });
 * const task = await plane.client.tasks.create({ agent: "flaky", maxAttempts: 3 });
 * await plane.advance("3h");
 * assert.equal((await plane.ended(task)).outputJson, '{"attempt":3}');
 * ```
 */
export async function testPlane(options: TestPlaneOptions = {}): Promise<TestPlane> {
  const plane = new VirtualPlane(checkedOptions(options));
  try {
    await plane.start();
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return plane;
}
