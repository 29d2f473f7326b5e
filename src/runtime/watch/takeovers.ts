import type { Fault } from "#domain/fault";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";

interface Clash {
  readonly quietUntil: Instant;
  /** Since the last warning. */
  takeovers: number;
}

/**
 * Warns in the log when two processes use one worker id and take over from each other: at once, and then at most once
 * per `limits.takeoverQuiet` while it continues.
 */
export class TakeoverLog {
  readonly #clashes = new Map<string, Clash>();

  /** @param fault the fault that a worker's stream ends with; ignored unless it is a takeover by another process */
  note({ reason, details: { metadata = {} } }: Fault, at: Instant, log: Log): void {
    const { worker_id: workerId, by_instance: instance, by_hostname: hostname } = metadata;
    if (reason !== "SUPERSEDED" || workerId === undefined || instance === undefined) return;

    const known = this.#clashes.get(workerId);
    if (known && at < known.quietUntil) {
      known.takeovers += 1;
      return;
    }
    const takeovers = (known?.takeovers ?? 0) + 1;
    log.warn("two processes use one worker id: give each an id of its own, or stop one of them", {
      workerId,
      ...{ instance, hostname, takeovers },
    });
    this.#clashes.delete(workerId);
    this.#clashes.set(workerId, { quietUntil: later(at, limits.takeoverQuiet), takeovers: 0 });
    if (this.#clashes.size > limits.takeoversRemembered) {
      for (const oldest of this.#clashes.keys()) {
        this.#clashes.delete(oldest);
        break;
      }
    }
  }
}
