/**
 * The Worker's only access to clocks and timers, so that a test that fakes Node's timers controls all of them.
 */

/** Monotonic milliseconds from an arbitrary origin, for leases and deadlines. */
export function monotonic(): number {
  return performance.now();
}

/** Unix milliseconds by this machine's clock, for timestamps. */
export function wall(): number {
  return Date.now();
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

/** Resolves after `delayMs` milliseconds, or as soon as the signal aborts. Never rejects. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      stop();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const stop = after(delayMs, done);
    signal.addEventListener("abort", done);
  });
}
