import { TraceFlags } from "@opentelemetry/api";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { limits } from "#limits/index";
import type { TracingOptions } from "./options.js";
import type { Environment } from "./target.js";

interface BoundedExportParts extends Pick<TracingOptions, "env" | "log" | "count"> {
  readonly exporter: SpanExporter;
  /** Where spans go, for people. */
  readonly to: string;
}

/** What an exporter calls back with; its code 0 is success. */
type Result = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

/**
 * Sends ended spans in batches. At most so many wait, in the batch that is being sent or behind it; more are dropped. What
 * becomes of spans is counted, and logged when it changes.
 */
export class BoundedExport implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #parts: BoundedExportParts;
  readonly #most: number;
  #waiting = 0;
  #isFailing = false;
  #lost = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(parts: BoundedExportParts) {
    this.#parts = parts;
    const { env, exporter } = parts;
    this.#most = numberIn(env, "OTEL_BSP_MAX_QUEUE_SIZE") ?? limits.spansWaiting;
    const counted: SpanExporter = {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          this.#sent(spans.length, result);
          done(result);
        }),
      forceFlush: async () => exporter.forceFlush?.(),
      shutdown: () => exporter.shutdown(),
    };
    this.#batches = new BatchSpanProcessor(counted, {
      maxQueueSize: this.#most,
      scheduledDelayMillis: numberIn(env, "OTEL_BSP_SCHEDULE_DELAY") ?? limits.spansDelay,
      exportTimeoutMillis: numberIn(env, "OTEL_BSP_EXPORT_TIMEOUT") ?? limits.spansExport,
    });
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting >= this.#most) {
      this.#drop();
      return;
    }
    this.#waiting += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #drop(): void {
    this.#lost += 1;
    this.#parts.count?.("taskrun_spans_total", { outcome: "dropped" });
    if (performance.now() - this.#saidAt < limits.spansQuiet) return;
    this.#saidAt = performance.now();
    this.#parts.log.warn("spans are dropped: too many wait to be sent", {
      to: this.#parts.to,
      lost: this.#lost,
    });
  }

  #sent(spans: number, { code, error }: Result): void {
    const { log, to, count } = this.#parts;
    const isSent = (code as number) === 0;
    this.#waiting -= spans;
    count?.("taskrun_spans_total", { outcome: isSent ? "exported" : "failed" }, spans);
    if (!isSent) this.#lost += spans;
    if (this.#isFailing === !isSent) return;
    this.#isFailing = !isSent;
    if (isSent) log.info("spans are sent again", { to, lost: this.#lost });
    else log.warn("spans cannot be sent; work goes on without", { to, why: error?.message ?? "no answer" });
    if (isSent) this.#lost = 0;
  }
}

/** A count or a time of milliseconds; undefined if the variable is not set, or no such number. */
function numberIn(env: Environment, name: string): number | undefined {
  const value = Number(env[name]?.trim() || Number.NaN);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
