import type { JsonObject } from "#domain/json/json";
import type { SchemaProblem, Verdict } from "#domain/template/verdict";
import { limits } from "#limits/index";
import type { KnownVerdict, Schemas } from "#ports/schemas";

/** A check of a value by a schema whose verdict is not known yet. */
export interface MissingVerdict {
  readonly schema: JsonObject;
  readonly json: string;
}

/** Ends a cascade that lacks a verdict. The caller rolls it back and decides it again when the verdict is there. */
export class VerdictMissing extends Error {
  override readonly name = "VerdictMissing";
}

/**
 * Verdicts for the cascade that is being decided: those fetched for its message, and those that are cheap to compute. A
 * cascade that needs others continues as if the values were valid, so that all missing verdicts are collected at once;
 * then it is rolled back. Call `begin` before each message.
 */
export class Verdicts {
  readonly #schemas: Schemas;
  #brought: readonly KnownVerdict[] = [];
  #isLast = false;
  #missing: MissingVerdict[] = [];
  #missingBytes = 0;

  constructor(schemas: Schemas) {
    this.#schemas = schemas;
  }

  /** Begins with another message. @param brought the verdicts fetched for it */
  begin(brought: readonly KnownVerdict[] = []): void {
    this.#brought = brought;
    if (this.#missing.length === 0) return;
    this.#missing = [];
    this.#missingBytes = 0;
  }

  /** Begins the scheduler's cascade, which cannot be repeated with verdicts: an unknown verdict counts as a problem. */
  beginLast(): void {
    this.begin();
    this.#isLast = true;
  }

  /** Messages are decided again after the scheduler's cascade. */
  beginAgain(): void {
    this.#isLast = false;
  }

  get missing(): readonly MissingVerdict[] {
    return this.#missing;
  }

  /**
   * What is wrong with a value according to a schema; undefined if it is valid, or if the verdict is missing.
   *
   * @throws {VerdictMissing} if `limits.verdictsAtOnce` are missing: the others are collected in the next round
   */
  problem(schema: JsonObject, json: string): SchemaProblem | undefined {
    const verdict = this.#broughtFor(schema, json) ?? this.#schemas.known(schema, json);
    if (verdict) return verdict.type === "fits" ? undefined : verdict;
    if (this.#isLast) return { type: "limit", text: "it takes too long to check at this moment" };
    this.#missing.push({ schema, json });
    this.#missingBytes += json.length;
    if (this.#missing.length >= limits.verdictsAtOnce || this.#missingBytes > limits.turnBytes)
      this.throwIfMissing();
    return undefined;
  }

  /** @throws {VerdictMissing} if anything was missing */
  throwIfMissing(): void {
    if (this.#missing.length > 0) throw new VerdictMissing("the cascade is decided without a verdict");
  }

  #broughtFor(schema: JsonObject, json: string): Verdict | undefined {
    return this.#brought.find((one) => one.json === json && isSame(one.schema, schema))?.verdict;
  }
}

/** Compares by content too, because a plan that was made again has another object for the same schema. */
function isSame(one: JsonObject, other: JsonObject): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
