import { randomUUID } from "node:crypto";
import type { CallOptions } from "@connectrpc/connect";
import { limits } from "#domain/limits";
import { backoffMs, CALL_BACKOFF, pause } from "./backoff.js";
import { type ErrorCode, type TaskRunError, toTaskRunError } from "./error.js";

/** What every call takes beside its request. */
export interface CallControl {
  readonly signal?: AbortSignal;
  /** Milliseconds until the call gives up, in place of the client's; 0 means never. */
  readonly timeoutMs?: number;
}

/** Nobody knows whether the request was carried out; with a key it may be sent again. */
const unclear: ReadonlySet<ErrorCode> = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED"]);

/** Makes unary calls: a deadline on each, and every failure a {@link TaskRunError}. */
export class Caller {
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  async once<Answer>(
    send: (options: CallOptions) => Promise<Answer>,
    control: CallControl = {},
    idempotencyKey = "",
  ): Promise<Answer> {
    try {
      return await send(this.#options(control));
    } catch (thrown) {
      throw toTaskRunError(thrown, control.signal?.aborted, idempotencyKey);
    }
  }

  /**
   * Sends a request that carries `key` until it is known what became of it, up to a few times: after the first
   * unclear answer the same key finds what the earlier try has made.
   */
  async withKey<Answer>(
    key: string,
    send: (options: CallOptions) => Promise<Answer>,
    control: CallControl = {},
  ): Promise<Answer> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.once(send, control, key);
      } catch (thrown) {
        const error = thrown as TaskRunError;
        const stop = control.signal?.aborted || failures === limits.callAttempts || !unclear.has(error.code);
        if (stop) throw error;
        await pause(backoffMs(CALL_BACKOFF, failures, Math.random(), error.retryAfterMs), control.signal);
      }
    }
  }

  #options({ signal, timeoutMs = this.#timeoutMs }: CallControl): CallOptions {
    return { ...(timeoutMs > 0 && { timeoutMs }), ...(signal && { signal }) };
  }
}

/**
 * The caller's key, or a new one that nobody else will draw. Its beginning tells the server that it says nothing
 * of the work: a template that goes by the caller's own key does not take it for one.
 */
export function keyOr(given: string | undefined): string {
  return given || `drawn:${randomUUID()}`;
}
