/** What an attack is given: a server on the loopback that serves an honest client beside it. */
export interface Target {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Where clients of other systems look, over gRPC; absent if it is not open. */
  readonly taskerPort?: number;
  /** Where a worker of Tasker answers reads over HTTP, by paths of its own; absent if it is not open. */
  readonly taskerWorkerPort?: number;
  /** Aborts when the attack's time is up: then it lets go of what it holds, and returns. */
  readonly signal: AbortSignal;
  /** How long it may take. */
  readonly seconds: number;
}

/**
 * One way to be unkind, over the wire alone and bounded in count and time. What the server refuses is no failure
 * of the attack; it throws if the server answers what it must not.
 */
export type Attack = (target: Target) => Promise<void>;

/** Attacks work in here. One honest worker serves it too, beside its own work; the honest client does not. */
export const EVIL = "evil";
/** Where the honest client's Tasks are. */
export const HONEST = "honest";
/** The honest worker's agent that returns what it is given: its item, or else its input. */
export const ECHO = "echo";

/** Where a request of gRPC can be sent. */
export type PortName = "grpcPort" | "httpPort";
export const bothPorts: readonly PortName[] = ["grpcPort", "httpPort"];

/** True until the attack is to end. */
export function clockOf({ signal, seconds }: Target): () => boolean {
  const end = performance.now() + seconds * 1_000;
  return () => !signal.aborted && performance.now() < end;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until the attack is to end. */
export async function untilOver(target: Target, clock: () => boolean): Promise<void> {
  while (clock()) await pause(Math.min(100, target.seconds * 100));
}
