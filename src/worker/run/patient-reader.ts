import { Code, ConnectError } from "@connectrpc/connect";
import { nextAttemptAt, type RetryPolicy } from "#domain/task/retry";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { AgentError } from "../agent/error.js";
import { pause, type WorkerTime } from "../timers.js";

/** Makes one call to the server over a session's connection; resolves to JSON text, where nothing else is said. */
export type Ask<Wanted, Answer = string> = (
  wanted: Wanted,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<Answer>;

/** Delays between attempts, with full jitter, since many Runs may wait for the same server. */
const AGAIN: RetryPolicy = {
  backoff: "exponential",
  base: limits.readRetryFirst,
  max: limits.readRetryMost,
  jitter: 1,
};
/** Codes that a repeated call would get again. */
const final = new Set([
  Code.NotFound,
  Code.FailedPrecondition,
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

/** The server refused a read for good: a repeated call would be refused again. */
export class Refused extends AgentError {}

/** Reads over the current session, retrying across lost connections. */
export class PatientReader<Wanted, Answer = string> {
  readonly #time: WorkerTime;
  #ask: Ask<Wanted, Answer> | undefined;

  constructor(time: WorkerTime) {
    this.#time = time;
  }

  /** Sets how to ask the server: call it when a session has begun and, with undefined, when it has ended. */
  use(ask: Ask<Wanted, Answer> | undefined): void {
    this.#ask = ask;
  }

  /**
   * @param what names what is read in error messages
   * @throws {Refused} if the server refuses
   * @throws {AgentError} if it has not answered in time; retryable
   * @throws the signal's reason, if it aborts first
   */
  async read(wanted: Wanted, what: string, signal: AbortSignal): Promise<Answer> {
    const endsAt = this.#time.monotonic() + limits.readPatience;
    let why = "not connected";
    for (let failures = 1; ; failures += 1) {
      const leftMs = endsAt - this.#time.monotonic();
      if (leftMs <= 0) {
        const message = `${what} could not be read within ${limits.readPatience / 1_000} s: ${why}`;
        throw new AgentError(message, { retryable: true });
      }
      try {
        const timeoutMs = Math.min(leftMs, limits.readCall);
        if (this.#ask) return await this.#ask(wanted, { signal, timeoutMs });
      } catch (error) {
        signal.throwIfAborted();
        const { code, rawMessage } = ConnectError.from(error);
        if (final.has(code)) {
          const message = `${what} could not be read: ${rawMessage}`;
          throw new Refused(message, { retryable: false, cause: error });
        }
        why = rawMessage;
      }
      const delayMs = nextAttemptAt(AGAIN, failures, instant(0), this.#time.draw());
      await pause(this.#time, Math.min(leftMs, delayMs), signal);
      signal.throwIfAborted();
    }
  }
}
