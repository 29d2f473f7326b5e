/**
 * The Worker's only access to clocks, timers and chance. Tests replace it by one in virtual time.
 */
export interface WorkerTime {
  /** Monotonic milliseconds from an arbitrary origin, for deadlines. */
  monotonic(): number;
  /**
   * Like {@link monotonic}, for leases: they do not count the time for which the Worker and its server are suspended
   * together, as in virtual time. On a machine the two are the same.
   */
  awake(): number;
  /** Unix milliseconds by this machine's clock, for timestamps. */
  wall(): number;
  /** Calls `act` once, `delayMs` milliseconds from now or soon after. @returns cancels it */
  after(delayMs: number, act: () => void): () => void;
  /** Like {@link after}, in the time of {@link awake}. */
  afterAwake(delayMs: number, act: () => void): () => void;
  /** A number uniform in [0, 1). */
  draw(): number;
}

/** Monotonic milliseconds from an arbitrary origin. */
export function monotonic(): number {
  return performance.now();
}

/** The longest delay of Node's timers; longer ones are made of several. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Calls `act` once, `delayMs` milliseconds from now or soon after. @returns cancels it */
export function after(delayMs: number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const stepMs = Math.min(Math.max(0, leftMs), TIMER_MAX_MS);
    timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : act()), stepMs);
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}

/** The time of this machine. */
export const machineTime: WorkerTime = {
  monotonic,
  awake: monotonic,
  wall: () => Date.now(),
  after,
  afterAwake: after,
  draw: () => Math.random(),
};

/** Resolves after `delayMs` milliseconds, or as soon as the signal aborts. Never rejects. */
export function pause(time: WorkerTime, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      stop();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const stop = time.after(delayMs, done);
    signal.addEventListener("abort", done);
  });
}
