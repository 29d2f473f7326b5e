import type { Duration } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";

/** One field of a request that was refused. */
export interface FieldViolation {
  /** In the wire's spelling, for example `input_json`. */
  readonly field: string;
  readonly description: string;
}

/** What an error carries beside its code and message. */
export interface ErrorDetails {
  readonly reason: string;
  readonly retryAfterMs: number;
  readonly violations: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Reads the `google.rpc` details of an error; what is absent is empty. */
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
