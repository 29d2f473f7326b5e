import { randomUUID } from "node:crypto";
import type { CallOptions } from "@connectrpc/connect";
import { limits } from "#limits/index";
import { onAbort } from "#transport/on-abort";
import { activeTraceparent, type OpenTelemetryApi, openTelemetry } from "#transport/open-telemetry";
import { backoffMs, CALL_BACKOFF, pause } from "./backoff.js";
import { type ErrorCode, type TaskRunError, toTaskRunError } from "./error.js";
import { namesOf } from "./option-names.js";
import { checkedSignal, optionsOf, wrongArgument } from "./request.js";

/**
 * Options of a single call, beside its request.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const client = createClient();
 * const task = await client.tasks.get("TASK_ID", { timeoutMs: 2_000, signal: AbortSignal.timeout(5_000) });
 * ```
 */
export interface CallControl {
  /** Aborting it ends the call with a `CANCELLED` error. The server may have carried the request out all the same. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which an attempt fails with `DEADLINE_EXCEEDED`; 0 is no limit. Default: the client's. */
  readonly timeoutMs?: number;
  /**
   * The span that new Tasks are below, as W3C Trace Context writes it. Default: the active one, if this process has
   * registered OpenTelemetry. What is no `traceparent` is ignored by the server.
   */
  readonly traceparent?: string;
}

export const controlNames = namesOf<CallControl>({ signal: true, timeoutMs: true, traceparent: true });

/** Errors that leave open whether the request was carried out. With an idempotency key it is safe to send it again. */
const unclear: ReadonlySet<ErrorCode> = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED"]);

/** True for an error that leaves open whether the request was carried out. */
export function isUnclear(code: ErrorCode): boolean {
  return unclear.has(code);
}

/** Makes unary calls, each with a deadline, and turns every failure into a {@link TaskRunError}. */
export class Caller {
  readonly #timeoutMs: number;

  /** @throws {TaskRunError} `INVALID_ARGUMENT` if the timeout is no duration */
  constructor(timeoutMs: number) {
    this.#timeoutMs = checkedTimeout(timeoutMs);
  }

  async once<Answer>(
    send: (options: CallOptions) => Promise<Answer>,
    control: CallControl = {},
    idempotencyKey = "",
  ): Promise<Answer> {
    const options = this.#options(control);
    const api = openTelemetry();
    const traceparent = control.traceparent ?? (api && (await activeSpan(api)));
    if (traceparent !== undefined) options.headers = { traceparent };
    const { signal } = control;
    // Transports add listeners of their own, so they are given a signal of their own.
    const call = signal && new AbortController();
    const forget = onAbort(signal, () => call?.abort(signal?.reason));
    try {
      return await send(call ? { ...options, signal: call.signal } : options);
    } catch (thrown) {
      throw toTaskRunError(thrown, signal?.aborted, idempotencyKey);
    } finally {
      forget();
    }
  }

  /**
   * Sends a request that carries the idempotency key `key`, again, up to a few times, after errors that leave its
   * outcome open. The server answers a repeated key with what the earlier attempt created.
   */
  async withKey<Answer>(
    key: string,
    send: (options: CallOptions) => Promise<Answer>,
    control: CallControl = {},
  ): Promise<Answer> {
    const { signal } = optionsOf(control, "control", controlNames);
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.once(send, control, key);
      } catch (thrown) {
        const error = thrown as TaskRunError;
        const stop = signal?.aborted || failures === limits.callAttempts || !isUnclear(error.code);
        if (stop) throw error;
        await pause(backoffMs(CALL_BACKOFF, failures, Math.random(), error.retryAfterMs), signal);
      }
    }
  }

  /**
   * Makes a call that the server answers after `limits.waitDefault` at the latest; the timeout counts from then.
   *
   * @param control without a timeout
   */
  async waiting<Answer>(
    send: (options: CallOptions) => Promise<Answer>,
    control: Pick<CallControl, "signal" | "traceparent">,
    idempotencyKey: string,
  ): Promise<Answer> {
    const timeoutMs = this.#timeoutMs === 0 ? 0 : limits.waitDefault + this.#timeoutMs;
    return this.once(send, { ...control, timeoutMs }, idempotencyKey);
  }

  #options(control: CallControl): CallOptions {
    const { signal, timeoutMs = this.#timeoutMs, traceparent } = optionsOf(control, "control", controlNames);
    checkedSignal(signal);
    if (traceparent !== undefined && !isHeaderValue(traceparent)) {
      throw wrongArgument(
        "traceparent",
        "is no text of a header: send 00-TRACE_ID-SPAN_ID-01, or leave it out.",
      );
    }
    const limited = checkedTimeout(timeoutMs) > 0 && timeoutMs <= limits.callTimeoutMost;
    return { ...(limited && { timeoutMs: Math.ceil(timeoutMs) }), ...(signal && { signal }) };
  }
}

async function activeSpan(
  loading: OpenTelemetryApi | Promise<OpenTelemetryApi | undefined>,
): Promise<string | undefined> {
  const api = await loading;
  return api && activeTraceparent(api);
}

function checkedTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw wrongArgument("timeoutMs", `is ${String(timeoutMs)}; send milliseconds, or 0 for no limit.`);
}

/** True if HTTP can carry it. */
function isHeaderValue(text: unknown): boolean {
  return typeof text === "string" && /^[ -~]*$/.test(text);
}

/**
 * Returns the caller's idempotency key, or a random one. The prefix `drawn:` marks a key that the caller did not
 * choose: templates with the identity strategy `caller_provided` do not count it as one.
 */
export function keyOr(given: string | undefined): string {
  return given || `drawn:${randomUUID()}`;
}
