import type { Duration } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";

/**
 * One invalid field of a refused request.
 *
 * @example
 * ```ts
 * import { createClient, TaskRunError } from "taskrun/client";
 *
 * try {
 *   await createClient().tasks.create({ agent: "greet", priority: 1_000 });
 * } catch (error) {
 *   if (!(error instanceof TaskRunError)) throw error;
 *   for (const { field, description } of error.violations) console.error(`${field}: ${description}`);
 * }
 * ```
 */
export interface FieldViolation {
  /** The field's name in the protocol, for example `input_json`. */
  readonly field: string;
  readonly description: string;
}

/** Details of an error, beside its code and message. */
export interface ErrorDetails {
  readonly reason: string;
  readonly retryAfterMs: number;
  readonly violations: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads the `google.rpc` details of an error. Absent details are empty, `retryAfterMs` is then 0. */
export function errorDetails(error: ConnectError): ErrorDetails {
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const [bad] = error.findDetails(BadRequestSchema);

  return {
    reason: info?.reason ?? "",
    retryAfterMs: toMs(retry?.retryDelay),
    violations: (bad?.fieldViolations ?? []).map(({ field, description }) => ({ field, description })),
    metadata: info?.metadata ?? {},
  };
}

function toMs(duration: Duration | undefined): number {
  if (!duration) return 0;
  return Number(duration.seconds) * 1_000 + Math.ceil(duration.nanos / 1_000_000);
}
