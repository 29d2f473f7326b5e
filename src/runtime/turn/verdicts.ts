import type { JsonObject } from "#domain/json/json";
import type { SchemaProblem, Verdict } from "#domain/template/verdict";
import { limits } from "#limits/index";
import type { KnownVerdict, Schemas } from "#ports/schemas";

/** A check that nobody has made yet. */
export interface MissingVerdict {
  readonly schema: JsonObject;
  readonly json: string;
}

/** Ends a cascade that lacks a verdict: it is to be taken back whole, and decided again with what it lacks. */
export class VerdictMissing extends Error {
  override readonly name = "VerdictMissing";
}

/**
 * What the cascade at hand knows of values and schemas: what its message has brought along, and what is cheap to find
 * out. A cascade that asks for more is decided to its end as if all of that fitted, so that what else it lacks becomes
 * known as well; then it is taken back.
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

  /** @param brought by the message that is decided from now on */
  begin(brought: readonly KnownVerdict[] = []): void {
    this.#brought = brought;
    if (this.#missing.length === 0) return;
    this.#missing = [];
    this.#missingBytes = 0;
  }

  /** What follows comes of no message, so that nobody can be sent for a verdict: what is not known has none. */
  beginLast(): void {
    this.begin();
    this.#isLast = true;
  }

  get missing(): readonly MissingVerdict[] {
    return this.#missing;
  }

  /**
   * What is wrong with a value by a schema.
   *
   * @throws {VerdictMissing} if so much is missing that the rest is left for the next time
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

/** A plan that was made anew meanwhile has another object for the same schema. */
function isSame(one: JsonObject, other: JsonObject): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
