/** Where a server listens, on the loopback. */
export interface Ports {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Where clients of Tasker look, over gRPC. */
  readonly taskerPort: number;
  /** Where a worker of Tasker answers reads over HTTP, by paths of its own. */
  readonly taskerWorkerPort: number;
  /** Where workers of the orchestrator look, over gRPC. */
  readonly orchestratorPort: number;
}

/** What an attack is given: a server that serves an honest client beside it. Ports of other systems are absent if they are not open. */
export interface Target
  extends Pick<Ports, "grpcPort" | "httpPort">,
    Partial<Omit<Ports, "grpcPort" | "httpPort">> {
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
