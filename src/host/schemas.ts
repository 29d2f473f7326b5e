import { createHash } from "node:crypto";
import { setImmediate as othersTurn } from "node:timers/promises";
import type { JsonObject } from "#domain/json/json";
import type { Verdict } from "#domain/template/verdict";
import { limits } from "#limits/index";
import type { Schemas } from "#ports/schemas";
import { CompiledSchema, notASchema, parseValue } from "./schemas/compile.js";
import { type Cost, costOf } from "./schemas/cost.js";
import { type PatternEngine, patternEngine, plainEngine } from "./schemas/engine.js";
import { SchemaThreads } from "./schemas/threads.js";

/** The static properties of a schema. */
interface Known {
  readonly digest: string;
  readonly text: string;
  readonly cost: Cost | undefined;
}

/** Runs the checks that may take long; closed together with the schemas. */
export type Threads = Pick<SchemaThreads, "judge" | "close">;

/**
 * The Schemas port by ajv. A schema known to be cheap is compiled once and checks values on this thread; any other is
 * compiled and run in a worker thread, which is terminated if it takes too long. Threads start when first needed.
 */
export function jsonSchemas(threads: Threads = new SchemaThreads()): Schemas {
  return new InPlaceOrThread(threads);
}

/** What ajv refuses, such as a reference to nothing, is no schema. */
function compile(schema: JsonObject, engine: PatternEngine): CompiledSchema | Verdict {
  try {
    return new CompiledSchema(schema, engine);
  } catch (error) {
    return notASchema(error);
  }
}

class InPlaceOrThread implements Schemas {
  readonly #threads: Threads;
  /** By the schema object, as long as that lives. */
  readonly #known = new WeakMap<JsonObject, Known>();
  /** The cheap ones by digest, least recently compiled first. */
  readonly #compiled = new Map<string, CompiledSchema | Verdict>();
  /** The tail of the queue of compilations. */
  #compiling: Promise<unknown> = Promise.resolve();
  /** Steps taken in this turn of the event loop. */
  #taken = 0;

  constructor(threads: Threads) {
    this.#threads = threads;
  }

  known(schema: JsonObject, json: string): Verdict | undefined {
    const { cost, digest } = this.#know(schema);
    if (cost === undefined) return undefined;
    const compiled = this.#compiled.get(digest);
    if (!(compiled instanceof CompiledSchema)) return compiled;
    const steps = cost.weight * json.length;
    if (steps > limits.schemaSteps || !this.#mayTake(steps)) return undefined;
    const value = parseValue(json);
    const verdict = compiled.first(value);
    if (verdict.type !== "misfit" || steps > limits.schemaStepsForAll) return verdict;
    return compiled.isWhole ? compiled.all(value) : undefined;
  }

  async judge(schema: JsonObject, json: string): Promise<Verdict> {
    const { cost, digest, text } = this.#know(schema);
    const steps = cost === undefined ? Number.POSITIVE_INFINITY : cost.weight * json.length;
    if (cost === undefined || steps > limits.schemaSteps) {
      return this.#threads.judge({ digest, schema: text, json });
    }
    const compiled = await this.#compile(schema, digest, cost);
    if (!(compiled instanceof CompiledSchema)) return compiled;
    while (!this.#mayTake(steps)) await othersTurn();
    const value = parseValue(json);
    const verdict = compiled.first(value);
    return verdict.type === "misfit" && steps <= limits.schemaStepsForAll ? compiled.all(value) : verdict;
  }

  close(): Promise<void> {
    return this.#threads.close();
  }

  /** Counts the steps of a check; false if it must wait for the next turn of the event loop. */
  #mayTake(steps: number): boolean {
    if (this.#taken === 0) {
      setImmediate(() => {
        this.#taken = 0;
      });
    }
    const may = this.#taken + steps <= limits.schemaStepsAtOnce;
    if (may) this.#taken += steps;
    return may;
  }

  #know(schema: JsonObject): Known {
    let known = this.#known.get(schema);
    if (known === undefined) {
      const text = JSON.stringify(schema);
      const digest = createHash("sha256").update(text).digest("base64");
      known = { digest, text, cost: costOf(schema, text.length) };
      this.#known.set(schema, known);
    }
    return known;
  }

  /** Compiles one schema at a time, each in a turn of its own, since it may take some tens of milliseconds. */
  #compile(schema: JsonObject, digest: string, cost: Cost): Promise<CompiledSchema | Verdict> {
    const compiling = this.#compiling.then(async () => {
      const found = this.#compiled.get(digest);
      if (found) return this.#keep(digest, found);
      const engine = cost.hasPatterns ? await patternEngine() : plainEngine;
      await othersTurn();
      return this.#keep(digest, compile(schema, engine));
    });
    this.#compiling = compiling.catch(() => {});
    return compiling;
  }

  #keep(digest: string, compiled: CompiledSchema | Verdict): CompiledSchema | Verdict {
    this.#compiled.delete(digest);
    this.#compiled.set(digest, compiled);
    for (const oldest of this.#compiled.keys()) {
      if (this.#compiled.size <= limits.schemasInMemory) break;
      this.#compiled.delete(oldest);
    }
    return compiled;
  }
}
