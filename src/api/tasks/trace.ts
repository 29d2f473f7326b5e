import { readTraceparent, writeTraceparent } from "#domain/task/trace";
import type { NewTrace } from "#ports/tracing";
import type { Request } from "../use-case.js";

/**
 * The place in a trace that a new Task gets: below its client's span, or, if this plane traces, at the root of a trace of its
 * own. Nothing if there is neither.
 */
export function traceFor(
  task: NewTrace,
  { services: { tracing }, traceparent }: Request,
): string | undefined {
  const parent = readTraceparent(traceparent?.());
  if (tracing) return tracing.begin(task, parent);
  return parent && writeTraceparent(parent);
}
