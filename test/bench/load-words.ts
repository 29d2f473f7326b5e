/** What the load generator can be asked for, and what it answers: the words between its process and the bench. */
export type LoadOrder =
  /** Keep `inFlight` tasks going, each created alone and watched to its end, for `ms`. */
  | { readonly type: "single"; readonly inFlight: number; readonly ms: number }
  /** The same, awaited in the given way. */
  | { readonly type: "await"; readonly way: AwaitWay; readonly inFlight: number; readonly ms: number }
  /** The same with tasks made from a template. */
  | { readonly type: "workflow"; readonly flow: Flow; readonly inFlight: number; readonly ms: number }
  /** The same as `single`, by batches of `size`, `lanes` of them at a time; every task is watched. */
  | { readonly type: "batch"; readonly size: number; readonly lanes: number; readonly ms: number }
  /** `tasks` at once that write `chunks` chunks of `bytes` each, all of them watched. */
  | { readonly type: "chunks"; readonly tasks: number; readonly chunks: number; readonly bytes: number }
  /** `tasks` at once whose agents do `steps` durable steps each, one after the other. */
  | { readonly type: "steps"; readonly tasks: number; readonly steps: number }
  /** Create `count` tasks that no worker will ever take. */
  | { readonly type: "backlog"; readonly count: number };

/** How the end of a task is awaited: by watching it after its creation, or in the request that creates it. */
export type AwaitWay = "watch" | "run";

/** A registered template, and what its tasks are given. */
export interface Flow {
  readonly namespace: string;
  readonly name: string;
  readonly inputJson: string;
}

export interface LoadResult {
  /** Tasks seen to complete, or chunks seen, or steps done, or tasks created. */
  readonly done: number;
  readonly ms: number;
  /** Milliseconds from the create to the end, as the watcher saw it; sorted. */
  readonly latencies: readonly number[];
}

/** The agent that returns at once, the one that only talks, the one with durable steps, and the one nobody has. */
export const agents = {
  nothing: "bench_nothing",
  chatter: "bench_chatter",
  stepper: "bench_stepper",
  nobody: "bench_nobody",
} as const;

/** Apart from the namespace that is measured, whose limit of waiting tasks it would fill. */
export const BACKLOG_NAMESPACE = "backlog";
