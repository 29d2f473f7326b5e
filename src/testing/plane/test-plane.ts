import type { Task, TaskRunClient } from "#client/index";
import type { ScriptedFailure } from "./scripted-failures.js";
import type { TestWorker, TestWorkerOptions } from "./test-worker.js";

/**
 * A plane in virtual time, returned by {@link testPlane}. No time passes but by its methods. All of them resolve when the
 * plane is at rest: when nothing more happens without time passing.
 *
 * @example
 * ```ts
 * import { type TestPlane, testPlane } from "taskrun/testing";
 *
 * async function approved(plane: TestPlane, id: string): Promise<unknown> {
 *   await plane.client.tasks.signal(id, "approved", { by: "Ann" });
 *   return plane.ended(id, { within: "1d" });
 * }
 *
 * await using plane = await testPlane({ templates: "./workflows" });
 * const { id } = await plane.client.tasks.create({ template: { namespace: "", name: "publish", version: "" } });
 * await approved(plane, id);
 * console.log(plane.transcript());
 * ```
 */
export interface TestPlane extends AsyncDisposable {
  /** The client that `createClient` gives: the same methods, checks and errors. Await what needs time only after it has passed. */
  readonly client: TaskRunClient;
  /** The first worker. @throws {Error} if there is none */
  readonly worker: TestWorker;
  /** All workers, in the order of their start. */
  readonly workers: readonly TestWorker[];
  /** Virtual time. */
  readonly now: Date;
  /**
   * Lets time pass: `"30s"`, `"90m"`, `"2h"`, `"7d"`, or milliseconds. What becomes due meanwhile happens at its instant.
   *
   * @throws {RangeError} if it is no span of time
   */
  advance(by: number | string): Promise<void>;
  /**
   * Resolves with the Task once it has ended.
   *
   * @param options `within`: how much time may pass until then. Default: none
   * @throws {NotEnded} if it has not, saying what it waits for
   */
  ended(task: string | Pick<Task, "id">, options?: { readonly within?: number | string }): Promise<Task>;
  /** Lets the next matching Runs fail in place of their agent. */
  fail(failure: ScriptedFailure): void;
  /** Starts a further worker, `worker-2` and so on by default. */
  serve(options: TestWorkerOptions): Promise<TestWorker>;
  /** The server stops and starts again over the same store; as much time passes as its workers take to come back. */
  restart(): Promise<void>;
  /**
   * What has happened, a line each: changes of Tasks, Steps and Runs, and of workers, with the time since the start.
   *
   * @param task only what concerns this Task
   */
  transcript(task?: string | Pick<Task, "id">): string;
  /** Stops everything at once. A second call does nothing. */
  stop(): Promise<void>;
}
