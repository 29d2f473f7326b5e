import { Code, ConnectError } from "@connectrpc/connect";
import { limits } from "#domain/limits";
import { nextAttemptAt, type RetryPolicy } from "#domain/retry";
import { instant } from "#domain/time";
import { AgentError } from "./agent-error.js";
import { monotonic, pause } from "./timers.js";

/** Asks the plane once, over the connection of a session; the answer is JSON text. */
export type Ask<Wanted> = (
  wanted: Wanted,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<string>;

/** Between two tries; drawn, since many runs may wait for the same plane. */
const AGAIN: RetryPolicy = {
  backoff: "exponential",
  base: limits.readRetryFirst,
  max: limits.readRetryMost,
  jitter: 1,
};
/** Answers that trying again will not change. */
const final = new Set([
  Code.NotFound,
  Code.FailedPrecondition,
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

/** The plane's last word: asking again would bring the same. */
export class Refused extends AgentError {}

/** Reads over whichever session there is, and waits out a connection that is lost meanwhile. */
export class PatientReader<Wanted> {
  #ask: Ask<Wanted> | undefined;

  /** A session has begun or, with undefined, ended. */
  use(ask: Ask<Wanted> | undefined): void {
    this.#ask = ask;
  }

  /**
   * @param what is read, for people
   * @throws {Refused} if the plane refuses
   * @throws {AgentError} if it has not answered in time: another try of the run may fare better
   * @throws the signal's reason, if it aborts first
   */
  async read(wanted: Wanted, what: string, signal: AbortSignal): Promise<string> {
    const endsAt = monotonic() + limits.readPatience;
    let why = "not connected";
    for (let failures = 1; ; failures += 1) {
      const leftMs = endsAt - monotonic();
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
      await pause(Math.min(leftMs, nextAttemptAt(AGAIN, failures, instant(0), Math.random())), signal);
      signal.throwIfAborted();
    }
  }
}
