import { later, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { NodeStore, Polled, PollQuery } from "#ports/nodes";
import type { Telemetry } from "#ports/telemetry";

export interface PollerParts {
  readonly store: Pick<NodeStore, "poll">;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly query: () => PollQuery;
  readonly polled: (answer: Polled) => void;
}

/**
 * Asks the store what other nodes have changed: every `limits.nodePoll`, and soon after a wake. One question at a time; what
 * fails is asked again with the next one.
 */
export class Poller {
  readonly #parts: PollerParts;
  #asking = false;
  #again = false;
  #lastAt = Number.NEGATIVE_INFINITY;
  #over = false;
  #disarm: (() => void) | undefined;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.soon();
  }

  /** Asks soon, once for all calls until then. */
  soon(): void {
    if (this.#over || this.#again) return;
    this.#again = true;
    if (!this.#asking) this.#wakeIn(this.#lastAt + limits.nodePollSoonest - this.#parts.clock.monotonic());
  }

  stop(): void {
    this.#over = true;
    this.#disarm?.();
  }

  #wakeIn(ms: number): void {
    const { clock } = this.#parts;
    this.#disarm?.();
    this.#disarm = clock.wakeAt(
      later(clock.now(), millis(Math.max(0, Math.ceil(ms)))),
      () => void this.#ask(),
    );
  }

  async #ask(): Promise<void> {
    const { store, clock, query, polled, telemetry } = this.#parts;
    if (this.#over || this.#asking) return;
    this.#asking = true;
    this.#again = false;
    this.#lastAt = clock.monotonic();
    try {
      const answer = await store.poll(query());
      if (this.#over) return;
      polled(answer);
      telemetry.count("taskrun_node_polls_total", { outcome: "answered" });
    } catch (err) {
      telemetry.count("taskrun_node_polls_total", { outcome: "failed" });
      telemetry.log.warn("the store could not be asked what other nodes have changed", { err });
    } finally {
      this.#asking = false;
    }
    if (!this.#over) this.#wakeIn(this.#again ? limits.nodePollSoonest : limits.nodePoll);
  }
}
