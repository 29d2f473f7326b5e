import type { UsedModel } from "#domain/task/usage";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import { usage } from "../protocol/journal-frames.js";
import type { RunKey } from "../protocol/run-key.js";

/** The reports of one Run that the server has not acknowledged. */
interface Reports {
  readonly key: RunKey;
  /** The seq of the first of them. */
  first: number;
  sent: number;
  /** Of the last acknowledgement that freed nothing although reports had been sent. */
  missing: number;
  readonly waiting: UsedModel[];
}

/**
 * What the agents of a Worker have used, until the server has acknowledged it: also of Runs that it has released since, which ended,
 * were cancelled, or lost their lease. Sent again in each session, before all other reports.
 */
export class UsageOutbox {
  readonly #log: Log;
  readonly #runs = new Map<string, Reports>();
  #count = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param seq counts the reports of its Run, from 0 */
  add(key: RunKey, seq: number, used: UsedModel): void {
    if (this.#count >= limits.usageReports) this.#forgetOldest();
    const reports = this.#runs.get(key.runId);
    if (reports) reports.waiting.push(used);
    else this.#runs.set(key.runId, { key, first: seq, sent: 0, missing: -1, waiting: [used] });
    this.#count += 1;
  }

  /** Returns the next report to send in this session; undefined if there is none. */
  next(): RunClientMessage | undefined {
    for (const reports of this.#runs.values()) {
      const used = reports.waiting[reports.sent];
      if (!used) continue;
      reports.sent += 1;
      return usage(reports.key, reports.first + reports.sent - 1, used);
    }
    return undefined;
  }

  /**
   * Drops the reports of a Run below `nextSeq`, which are durable. If the server lacks one that was sent, all are to be sent again, once: it
   * counts none behind that one.
   *
   * @returns true if there is something to send
   */
  acknowledge(runId: string, nextSeq: number): boolean {
    const reports = this.#runs.get(runId);
    if (!reports) return false;
    const durable = Math.min(Math.max(0, nextSeq - reports.first), reports.waiting.length);
    reports.waiting.splice(0, durable);
    reports.first += durable;
    reports.sent = Math.max(0, reports.sent - durable);
    this.#count -= durable;
    if (reports.waiting.length === 0) this.#runs.delete(runId);
    if (durable > 0 || reports.sent === 0 || reports.missing === nextSeq) return false;
    reports.missing = nextSeq;
    reports.sent = 0;
    return true;
  }

  /** Call it when a session has ended: in the next one everything is sent again. */
  rewind(): void {
    for (const reports of this.#runs.values()) reports.sent = 0;
  }

  /** A server that acknowledges nothing must not fill the memory of its workers. */
  #forgetOldest(): void {
    for (const [runId, { waiting }] of this.#runs) {
      this.#log.error("usage is lost: the server does not acknowledge it", {
        runId,
        reports: waiting.length,
      });
      this.#runs.delete(runId);
      this.#count -= waiting.length;
      return;
    }
  }
}
