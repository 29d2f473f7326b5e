import { millis } from "#domain/time/time";

/**
 * # Traces
 *
 * Spans that a server or worker sends to a collector, if it has one. A collector that is slow or gone costs spans, never time.
 */
export const traces = {
  /** Spans that wait to be sent, unless `OTEL_BSP_MAX_QUEUE_SIZE` says otherwise: two seconds of the spans of a busy server. More are dropped and counted. */
  spansWaiting: 8_192,
  /** How long an ended span waits for others to be sent with, unless `OTEL_BSP_SCHEDULE_DELAY` says otherwise: what a crash loses at most. */
  spansDelay: millis(1_000),
  /** How long one request to a collector may take, unless `OTEL_BSP_EXPORT_TIMEOUT` says otherwise: the next batch waits for it. */
  spansExport: millis(10_000),
  /** What the spans that are left at a stop may take. */
  spansFlush: millis(2_000),
  /** Before a crash, the time whose spans may not have been sent: those of Tasks that go on are sent again. */
  spansLost: millis(5_000),
  /** Ended Tasks whose rows are read at a time to complete their trace; of more, only their own span is recorded. */
  tracesRead: 64,
  /** Between two lines in the log about spans that were dropped. */
  spansQuiet: millis(60_000),
} as const;
