import type { ServeOptions } from "#worker/index";

/**
 * Options of `serve` of {@link TestPlane}: those of any worker that do not concern its process.
 *
 * @example
 * ```ts
 * import { agent } from "taskrun/worker";
 * import { testPlane, type TestWorkerOptions } from "taskrun/testing";
 *
 * const options: TestWorkerOptions = { agents: [agent({ name: "draw", run: async () => "ok" })], labels: { gpu: "true" } };
 * await using plane = await testPlane();
 * await plane.serve(options);
 * ```
 */
export type TestWorkerOptions = Pick<
  ServeOptions,
  "agents" | "id" | "labels" | "maxRuns" | "namespaces" | "drainMs" | "log"
>;

/** What a {@link TestWorker} does now. */
export type TestWorkerState =
  | "connecting"
  | "connected"
  | "disconnected"
  | "suspended"
  | "killed"
  | "stopped";

/**
 * A worker of a {@link TestPlane}: the real one, over a connection in memory, in virtual time. Every method resolves when
 * the plane is at rest again.
 *
 * @example A worker dies while it has a Run, and the Step runs again once its lease has ended
 * ```ts
 * import { testPlane } from "taskrun/testing";
 * import { agent } from "taskrun/worker";
 *
 * const work = agent({ name: "work", run: async (_, { attempt }) => ({ attempt }) });
 * await using plane = await testPlane({ agents: [work] });
 * await plane.worker.kill();
 * const task = await plane.client.tasks.create({ agent: "work" });
 * await plane.worker.start();
 * console.log((await plane.ended(task)).outputJson);
 * ```
 */
export interface TestWorker {
  readonly id: string;
  readonly state: TestWorkerState;
  /** Number of Runs that it holds now. */
  readonly activeRuns: number;
  /** Its process dies: it reports nothing more, and its Runs are lost when its lease ends. */
  kill(): Promise<void>;
  /** Starts it again, as another process with the same id, after it was killed or has stopped. */
  start(): Promise<void>;
  /** Its connection is lost, and it cannot connect. It continues its Runs as long as its lease lasts. */
  disconnect(): Promise<void>;
  /** It can connect again, and does so after its own delay: as much time passes. */
  reconnect(): Promise<void>;
  /**
   * Its machine stands still: it neither sends nor receives, and its clock stops. Its agents do run on, and what they
   * report is sent after {@link resume}: a late report, if its lease has ended meanwhile.
   */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** Takes no new Runs, finishes those it holds or hands them back after `drainMs`, and stops. */
  drain(reason?: string): Promise<void>;
}
