import { Code, ConnectError } from "@connectrpc/connect";
import { limits } from "#domain/limits";
import { nextAttemptAt, type RetryPolicy } from "#domain/retry";
import { instant, millis } from "#domain/time";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { AgentError } from "./agent.js";
import type { RunKey } from "./frames.js";
import { monotonic, pause } from "./timers.js";
import { Window } from "./window.js";

/** Which result is wanted, by whom. */
export interface ResultWanted extends RunKey {
  readonly stepName: string;
}

/** Asks the plane once, over the connection of a session; the answer is JSON text. */
export type AskForResult = (
  wanted: ResultWanted,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<string>;

/** Answers of the largest size that may be under way at once: eight agents read, and the others wait. */
const WINDOW_BYTES = 8 * limits.resultBytes;
/** One result is worth waiting for as long as a plane takes to be started again, and no longer. */
const READ_MS = 30_000;
/** One call: a plane that is up answers in far less. */
const CALL_MS = 10_000;
/** Between two tries; drawn, since many runs may wait for the same plane. */
const AGAIN: RetryPolicy = { backoff: "exponential", base: millis(100), max: millis(2_000), jitter: 1 };
/** Answers that trying again will not change. */
const final = new Set([
  Code.NotFound,
  Code.FailedPrecondition,
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

/** Reads results of earlier steps for all runs of a worker, over whichever session there is. */
export class ResultReader {
  readonly #window = new Window(WINDOW_BYTES);
  #ask: AskForResult | undefined;

  /** A session has begun or, with undefined, ended. */
  use(ask: AskForResult | undefined): void {
    this.#ask = ask;
  }

  /**
   * The result as JSON text; empty if the step has none. Waits out a connection that is lost meanwhile.
   *
   * @throws {AgentError} if the plane refuses, or has not answered in time
   * @throws the signal's reason, if it aborts first
   */
  async read(wanted: ResultWanted, signal: AbortSignal): Promise<string> {
    await this.#window.enter(limits.resultBytes, signal);
    try {
      return await this.#readInTime(wanted, signal);
    } finally {
      this.#window.leave(limits.resultBytes);
    }
  }

  async #readInTime(wanted: ResultWanted, signal: AbortSignal): Promise<string> {
    const endsAt = monotonic() + READ_MS;
    let why = "not connected";
    for (let failures = 1; ; failures += 1) {
      const leftMs = endsAt - monotonic();
      if (leftMs <= 0) {
        throw new AgentError(`${headline(wanted)} within ${READ_MS / 1_000} s: ${why}`, { retryable: true });
      }
      try {
        const timeoutMs = Math.min(leftMs, CALL_MS);
        if (this.#ask) return await this.#ask(wanted, { signal, timeoutMs });
      } catch (error) {
        signal.throwIfAborted();
        if (hasNoResult(error)) return "";
        why = retriable(error, wanted);
      }
      await pause(Math.min(leftMs, nextAttemptAt(AGAIN, failures, instant(0), Math.random())), signal);
      signal.throwIfAborted();
    }
  }
}

function hasNoResult(error: unknown): boolean {
  return error instanceof ConnectError && error.findDetails(ErrorInfoSchema)[0]?.reason === "NO_RESULT";
}

/** @returns why it failed, if trying again can help */
function retriable(error: unknown, wanted: ResultWanted): string {
  const { code, rawMessage } = ConnectError.from(error);
  if (!final.has(code)) return rawMessage;
  throw new AgentError(`${headline(wanted)}: ${rawMessage}`, { retryable: false, cause: error });
}

function headline({ stepName }: ResultWanted): string {
  return `the result of step "${stepName}" could not be read`;
}
