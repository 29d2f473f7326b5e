import type { TaskId } from "#domain/id";
import { bytesIn, FiguresByNamespace, type NamespaceFigures, sumOf } from "#domain/task/figures";
import { type Instant, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import type { LabelledValue } from "#ports/telemetry";
import type { Core } from "./core.js";

type Counting = Pick<Core, "clock" | "telemetry"> & { readonly store: Pick<Store, "figures"> };

/** The name under which the smaller namespaces are together. One that is called so itself is among them. */
const OTHER = "other";

/**
 * Shows what the Tasks of each namespace take up, of the largest and of all others together. Counted by whoever asks for the metrics, and
 * behind his back: a scrape is answered with what was counted last, and begins a round if the last one is long ago. So a plane whose
 * metrics nobody reads counts nothing, and an idle one is not woken. A round counts a bounded number of Tasks, a few at a time; in a store
 * with more of them the next one goes on there, and the gauges change when all are counted. Call `stop` at the end.
 */
export class StorageGauges {
  readonly #core: Counting;
  #pass = new Pass();
  #shown: readonly NamespaceFigures[] = [];
  #shownAt: Instant = NEVER;
  #begunAt: Instant | undefined;
  #isCounting = false;
  #stopped = false;

  constructor(core: Counting) {
    this.#core = core;
    // A store that does not count has no such metrics.
    if (!core.store.figures) return;
    const { telemetry } = core;
    telemetry.gauge("taskrun_store_tasks", () => {
      this.#beginIfDue();
      return this.#shown.map(({ namespace, tasks }) => ({ labels: { namespace }, value: tasks }));
    });
    telemetry.gauge("taskrun_store_bytes", () => this.#shown.flatMap(bytesOf));
    telemetry.gauge("taskrun_store_counted_timestamp_seconds", () => this.#shownAt / 1_000);
  }

  stop(): void {
    this.#stopped = true;
  }

  #beginIfDue(): void {
    const now = this.#core.clock.now();
    const isDue = this.#begunAt === undefined || now - this.#begunAt >= limits.storageEvery;
    if (!isDue || this.#isCounting || this.#stopped) return;
    this.#begunAt = now;
    this.#isCounting = true;
    void this.#round().finally(() => {
      this.#isCounting = false;
    });
  }

  async #round(): Promise<void> {
    const { clock, store, telemetry } = this.#core;
    try {
      for (let piece = 0; piece < limits.storagePieces && !this.#stopped; piece += 1) {
        const page = await store.figures?.(this.#pass.after, limits.storagePiece);
        if (!page || this.#pass.take(page)) return this.#show();
        await clock.yield();
      }
    } catch (error) {
      if (!this.#stopped)
        telemetry.log.warn("what the store holds could not be counted; trying again later", { err: error });
    }
  }

  #show(): void {
    this.#shown = this.#pass.largest();
    this.#shownAt = this.#core.clock.now();
    this.#pass = new Pass();
  }
}

/** All Tasks, once, in one round or several. */
class Pass {
  /** The last Task that is counted. */
  after: TaskId | undefined;
  readonly #found = new FiguresByNamespace();
  #rest = nothing();

  /** True if it was the last page. */
  take({ namespaces, next }: Awaited<ReturnType<NonNullable<Store["figures"]>>>): boolean {
    for (const figures of namespaces) {
      const { namespace } = figures;
      const hasRoom = this.#found.has(namespace) || this.#found.size < limits.storageNamespacesKept;
      if (hasRoom && namespace !== OTHER) this.#found.add(figures);
      else this.#rest = sumOf(this.#rest, figures);
    }
    this.after = next;
    return next === undefined;
  }

  /** The namespaces with the most bytes, and all others together, if there are any. */
  largest(): readonly NamespaceFigures[] {
    const bySize = this.#found.list().sort((a, b) => bytesIn(b) - bytesIn(a));
    const others = bySize.slice(limits.storageNamespaces).reduce(sumOf, this.#rest);
    const shown = bySize.slice(0, limits.storageNamespaces);
    return others.tasks > 0 ? [...shown, others] : shown;
  }
}

function nothing(): NamespaceFigures {
  const bytes = { inputBytes: 0, resultBytes: 0, logBytes: 0 };
  return { namespace: OTHER, tasks: 0, ended: 0, steps: 0, runs: 0, ...bytes };
}

function bytesOf({ namespace, inputBytes, resultBytes, logBytes }: NamespaceFigures): LabelledValue[] {
  const parts = { inputs: inputBytes, results: resultBytes, logs: logBytes };
  return Object.entries(parts).map(([of, value]) => ({ labels: { namespace, of }, value }));
}
