import { type ByNamespace, dayOf, limitOf } from "#domain/namespace-limits";
import type { RunRow } from "#domain/task/run";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import type { Change } from "./workspace.js";

export interface DailyOutputParts {
  readonly store: Pick<Store, "usage" | "shared">;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
}

/** Undefined if no namespace has a limit. */
export function dailyOutputOf(limited: ByNamespace, parts: DailyOutputParts): DailyOutput | undefined {
  return limited.size > 0 ? new DailyOutput(limited, parts) : undefined;
}

/**
 * Counts what Runs write in each namespace that has a limit, day by day, UTC.
 *
 * What this process commits counts at once. The store is told every `limits.usageEvery`, and says what all processes have: what others
 * have written since then, or a process that has crashed since then, is not counted yet, or not at all.
 */
export class DailyOutput {
  readonly #limits: ByNamespace;
  readonly #parts: DailyOutputParts;
  readonly #writer: string;
  #day = Number.NEGATIVE_INFINITY;
  /** What this process has counted today. */
  readonly #own = new Map<string, number>();
  /** What other processes have, and earlier starts of this one. */
  #others: ReadonlyMap<string, number> = new Map();
  #isNew = false;
  #isOver = false;
  #telling: Promise<void> | undefined;
  #disarm: (() => void) | undefined;

  /** @param dailyOutput bytes */
  constructor(dailyOutput: ByNamespace, parts: DailyOutputParts) {
    this.#limits = dailyOutput;
    this.#parts = parts;
    this.#writer = parts.entropy.uuid();
  }

  /** Learns what has been written before. Call once, when plane time has started. */
  async start(): Promise<void> {
    this.#begin(dayOf(this.#parts.clock.now()));
    await this.#tell();
    this.#arm();
  }

  /** Tells the store the last of it. Never rejects. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#disarm?.();
    await this.#telling;
    if (this.#isNew) await this.#told();
  }

  /** The limit of a namespace, if that is reached. */
  reached(namespace: string, at: Instant): number | undefined {
    const limit = limitOf(this.#limits, namespace);
    if (limit === undefined || dayOf(at) !== this.#day) return undefined;
    const written = (this.#own.get(namespace) ?? 0) + (this.#others.get(namespace) ?? 0);
    return written >= limit ? limit : undefined;
  }

  /** Call after a commit, with the Runs that it has changed. */
  wrote(runs: readonly Change<RunRow>[], at: Instant): void {
    if (dayOf(at) > this.#day) this.#begin(dayOf(at));
    for (const { before, after } of runs) {
      const bytes = after.outputBytes - (before?.outputBytes ?? 0);
      if (bytes <= 0 || limitOf(this.#limits, after.namespace) === undefined) continue;
      const known = this.#own.get(after.namespace);
      if (known === undefined && this.#own.size >= limits.usageNamespaces) continue;
      this.#own.set(after.namespace, (known ?? 0) + bytes);
      this.#isNew = true;
    }
    if (this.#isNew) this.#arm();
  }

  #begin(day: number): void {
    this.#day = day;
    this.#own.clear();
    this.#others = new Map();
    this.#isNew = false;
  }

  /** Of a store of one process nothing is asked while nothing is new. */
  #arm(): void {
    const { clock, store } = this.#parts;
    if (this.#isOver || this.#disarm || !store.usage || !(this.#isNew || store.shared)) return;
    this.#disarm = clock.wakeAt(later(clock.now(), limits.usageEvery), () => {
      this.#telling = this.#told().finally(() => {
        this.#disarm = undefined;
        this.#arm();
      });
    });
  }

  async #told(): Promise<void> {
    const today = dayOf(this.#parts.clock.now());
    if (today > this.#day) this.#begin(today);
    await this.#tell().catch((err: unknown) => {
      this.#isNew = true;
      this.#parts.telemetry.log.warn("what namespaces have written today could not be stored", { err });
    });
  }

  async #tell(): Promise<void> {
    const { usage } = this.#parts.store;
    if (!usage) return;
    const day = this.#day;
    const told = new Map(this.#own);
    this.#isNew = false;
    const all = await usage.putOutput({ writer: this.#writer, day, bytes: told });
    if (day !== this.#day) return;
    this.#others = new Map(
      [...all].map(([namespace, bytes]) => [namespace, bytes - (told.get(namespace) ?? 0)]),
    );
  }
}
