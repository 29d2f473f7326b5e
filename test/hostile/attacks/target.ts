/** The server that is attacked, on the loopback, and for how long. */
export interface Target {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Ends the attack at once. */
  readonly signal: AbortSignal;
  /** Ends the attack at the latest. */
  readonly seconds: number;
}

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
