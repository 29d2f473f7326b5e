import type { Fault } from "#domain/fault";
import type { JsonObject } from "#domain/json/json";
import type { Verdict } from "#domain/template/verdict";
import { instant } from "#domain/time/time";
import { CompiledSchema, parseValue } from "#host/schemas/compile";
import { plainEngine } from "#host/schemas/engine";
import type { Clock } from "#ports/clock";
import type { Schemas } from "#ports/schemas";

/** A check that takes time: its verdict, or that there is none now; by default what the schema says. */
export interface Slow {
  readonly afterMs: number;
  readonly verdict?: Verdict;
  readonly fault?: Fault;
}

/** Schemas without threads and without wall time: what is slow is slow by the given clock. */
export class SchemaDouble implements Schemas {
  readonly #clock: Clock;
  readonly #compiled = new Map<string, CompiledSchema>();
  /** Which checks are slow; asked once for a turn and once for each question. */
  slow: (schema: JsonObject, json: string) => Slow | undefined = () => undefined;
  /** Values that verdicts were asked for. */
  readonly judged: string[] = [];
  closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  known(schema: JsonObject, json: string): Verdict | undefined {
    return this.slow(schema, json) ? undefined : this.#check(schema, json);
  }

  async judge(schema: JsonObject, json: string): Promise<Verdict> {
    this.judged.push(json);
    const { afterMs = 0, verdict, fault } = this.slow(schema, json) ?? {};
    const at = instant(this.#clock.now() + afterMs);
    if (afterMs > 0) await new Promise<void>((resolve) => void this.#clock.wakeAt(at, resolve));
    if (fault) throw fault;
    return verdict ?? this.#check(schema, json);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #check(schema: JsonObject, json: string): Verdict {
    const text = JSON.stringify(schema);
    const compiled = this.#compiled.get(text) ?? new CompiledSchema(schema, plainEngine);
    this.#compiled.set(text, compiled);
    return compiled.all(parseValue(json));
  }
}
