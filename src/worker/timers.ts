/**
 * All that the worker knows of time. Everything else asks here, so that a test that fakes Node's
 * timers drives the whole of it.
 */

/** Milliseconds that only ever grow, at the rate of real time. For leases and deadlines. */
export function monotonic(): number {
  return performance.now();
}

/** Unix milliseconds by this machine's clock. For timestamps that people read. */
export function wall(): number {
  return Date.now();
}

/** What Node's timers can hold; a longer wait is made of several. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Calls `act` once, `delayMs` from now or soon after. The answer takes it back. */
export function after(delayMs: number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const stepMs = Math.min(Math.max(0, leftMs), TIMER_MAX_MS);
    timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : act()), stepMs);
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}

/** Resolves `delayMs` from now, or as soon as the signal aborts. Never rejects. */
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
