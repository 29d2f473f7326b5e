import { Fault } from "#domain/fault";
import type { Verdict } from "#domain/template/verdict";
import { limits } from "#limits/index";
import { type Check, Lane } from "./lane.js";
import type { Allowance, Miss, Question } from "./question.js";
import { type StartThread, startThread } from "./running-thread.js";

const FIRST: Allowance = { milliseconds: limits.schemaCheck, megabytes: limits.schemaCheckBytes / 1024 ** 2 };
const SECOND: Allowance = {
  milliseconds: limits.schemaCheckAlone,
  megabytes: limits.schemaCheckAloneBytes / 1024 ** 2,
};

/** A schema that exceeded its first allowance recently. */
interface Slow {
  readonly until: number;
  /** Consecutive questions that exceeded the second allowance too. */
  misses: number;
  barredUntil: number;
}

/**
 * Runs checks of any cost within limits of time and memory. A question that exceeds the first allowance is asked again in
 * a second lane, with ten times the time, where only other slow questions wait for it.
 */
export class SchemaThreads {
  readonly #first: Lane;
  readonly #second: Lane;
  readonly #slow = new Map<string, Slow>();
  /** Rejects each pending question. */
  readonly #open = new Set<(fault: Fault) => void>();
  #bytes = 0;
  #closed = false;

  constructor(start: StartThread = startThread) {
    this.#first = new Lane(FIRST, start);
    this.#second = new Lane(SECOND, start);
  }

  /** Finds the verdict. @throws {Fault} `overloaded` if too much is pending, `unavailable` if no thread can run */
  judge(question: Question): Promise<Verdict> {
    const { digest, schema, json } = question;
    if (this.#closed) return Promise.reject(closed());
    if (schema.length > limits.schemaBytes) {
      const text = `a schema is at most ${limits.schemaBytes} bytes of JSON; this one has ${schema.length}`;
      return Promise.resolve({ type: "limit", text });
    }
    if (this.#isBarred(digest)) return Promise.resolve(overTime());
    const bytes = schema.length + json.length;
    const full = this.#open.size >= limits.schemaChecks || this.#bytes + bytes > limits.schemaChecksBytes;
    if (full && this.#open.size > 0) return Promise.reject(overloaded());

    return new Promise((resolve, reject) => {
      this.#open.add(reject);
      this.#bytes += bytes;
      const finish = (outcome: Verdict | Fault) => {
        if (!this.#open.delete(reject)) return;
        this.#bytes -= bytes;
        if (outcome instanceof Fault) reject(outcome);
        else resolve(outcome);
      };
      this.#ask(question, finish);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const reject of this.#open) reject(closed());
    this.#open.clear();
    await Promise.all([this.#first.close(), this.#second.close()]);
  }

  #ask(question: Question, finish: (outcome: Verdict | Fault) => void): void {
    const again = (miss: Verdict | Miss) => {
      if (isVerdict(miss)) {
        finish(miss);
        return;
      }
      this.#second.push({ ...question, done: (outcome) => this.#conclude(question, outcome, finish) });
      if (miss.type !== "failed") this.#remember(question.digest);
    };
    if (this.#isSlow(question.digest)) again({ type: "time" });
    else this.#first.push({ ...question, done: again });
  }

  #conclude({ digest }: Question, outcome: Verdict | Miss, finish: (outcome: Verdict | Fault) => void): void {
    const slow = this.#slow.get(digest);
    finish(answerOf(outcome));
    if (!slow || (!isVerdict(outcome) && outcome.type === "failed")) return;
    slow.misses = isVerdict(outcome) ? 0 : slow.misses + 1;
    if (slow.misses < limits.slowSchemaMisses) return;
    slow.barredUntil = performance.now() + limits.slowSchemaBarred;
    for (const check of this.#dropped(digest)) check.done(overTime());
  }

  #dropped(digest: string): readonly Check[] {
    return [...this.#first.drop(digest), ...this.#second.drop(digest)];
  }

  #isSlow(digest: string): boolean {
    const slow = this.#slow.get(digest);
    if (slow && slow.until < performance.now()) this.#slow.delete(digest);
    return this.#slow.has(digest);
  }

  #isBarred(digest: string): boolean {
    return (this.#slow.get(digest)?.barredUntil ?? 0) > performance.now();
  }

  #remember(digest: string): void {
    if (this.#slow.has(digest)) return;
    this.#slow.set(digest, { until: performance.now() + limits.slowSchema, misses: 0, barredUntil: 0 });
    for (const check of this.#first.drop(digest)) check.done({ type: "time" });
    for (const oldest of this.#slow.keys()) {
      if (this.#slow.size <= limits.slowSchemas) break;
      this.#slow.delete(oldest);
    }
  }
}

function isVerdict(outcome: Verdict | Miss): outcome is Verdict {
  return outcome.type !== "time" && outcome.type !== "memory" && outcome.type !== "failed";
}

function answerOf(outcome: Verdict | Miss): Verdict | Fault {
  if (isVerdict(outcome)) return outcome;
  if (outcome.type === "failed") return broken(outcome.error);
  return outcome.type === "time" ? overTime() : overMemory();
}

function overTime(): Verdict {
  return { type: "limit", text: `the check takes longer than ${limits.schemaCheckAlone} ms` };
}

function overMemory(): Verdict {
  return { type: "limit", text: `the check takes more than ${SECOND.megabytes} MiB of memory` };
}

function overloaded(): Fault {
  const message = "too many values wait to be checked by a schema; nothing was stored";
  return new Fault("overloaded", message, { reason: "SCHEMA_CHECKS_FULL", retryAfter: limits.retryAfter });
}

function closed(): Fault {
  const message = "the server is stopping: it checks nothing by a schema any more";
  return new Fault("unavailable", message, { retryAfter: limits.retryAfter });
}

function broken(cause: Error): Fault {
  const message = `no thread can be run to check values by a schema: ${cause.message}`;
  return new Fault("unavailable", message, { retryAfter: limits.retryAfter, cause });
}
