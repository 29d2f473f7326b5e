import type { Verdict } from "#domain/template/verdict";
import { limits } from "#limits/index";
import type { Allowance, Answer, Miss, Question } from "./question.js";
import type { RunningThread, StartThread } from "./running-thread.js";

export interface Check extends Question {
  done(outcome: Verdict | Miss): void;
}

/**
 * One thread that answers one question at a time, each within the same allowance. A question that exceeds it terminates the
 * thread, and the next one gets a new thread. Schemas take turns, so that many questions about one do not delay the
 * others.
 */
export class Lane {
  readonly #allowance: Allowance;
  readonly #start: StartThread;
  /** By schema, in the order of their turns. */
  readonly #waiting = new Map<string, Check[]>();
  #thread: RunningThread | undefined;
  #ready = false;
  #current: Check | undefined;
  /** The current question's preliminary verdict, used if no final one comes in time. */
  #first: Verdict | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(allowance: Allowance, start: StartThread) {
    this.#allowance = allowance;
    this.#start = start;
  }

  push(check: Check): void {
    const checks = this.#waiting.get(check.digest);
    if (checks) checks.push(check);
    else this.#waiting.set(check.digest, [check]);
    if (!this.#current) this.#next();
  }

  /** Removes and returns the pending checks by a schema. */
  drop(digest: string): readonly Check[] {
    const checks = this.#waiting.get(digest) ?? [];
    this.#waiting.delete(digest);
    return checks;
  }

  /** Ends the thread. Pending checks are dropped without an answer. */
  async close(): Promise<void> {
    this.#waiting.clear();
    this.#current = undefined;
    await this.#endThread();
  }

  #next(): void {
    this.#disarm();
    this.#current = this.#shift();
    this.#first = undefined;
    if (!this.#current) this.#rest();
    else if (this.#thread && this.#ready) this.#ask(this.#current);
    else {
      if (!this.#thread) this.#begin();
      this.#limit(limits.schemaThreadStart, {
        type: "failed",
        error: new Error("no thread could be started"),
      });
    }
  }

  #shift(): Check | undefined {
    const [next] = this.#waiting;
    if (!next) return undefined;
    const [digest, checks] = next;
    const check = checks.shift();
    this.#waiting.delete(digest);
    if (checks.length > 0) this.#waiting.set(digest, checks);
    return check;
  }

  #begin(): void {
    this.#ready = false;
    try {
      const thread = this.#start(this.#allowance, {
        answered: (answer) => this.#thread === thread && this.#answered(answer),
        broke: (miss) => {
          if (this.#thread !== thread) return;
          this.#thread = undefined;
          this.#missed(miss);
        },
      });
      this.#thread = thread;
    } catch (error) {
      // Asynchronous: `push` must return before its check is answered.
      setImmediate(() => this.#missed({ type: "failed", error: error as Error }));
    }
  }

  #ask(check: Check): void {
    this.#thread?.keepAlive(true);
    this.#thread?.ask({ digest: check.digest, schema: check.schema, json: check.json });
    this.#limit(this.#allowance.milliseconds, { type: "time" });
  }

  #limit(milliseconds: number, miss: Miss): void {
    clearTimeout(this.#timer);
    // Reads an answer that arrived while this thread was busy before calling it late.
    const late = () => setImmediate(() => this.#timer === timer && this.#missed(miss));
    const timer = setTimeout(late, milliseconds);
    this.#timer = timer;
  }

  #answered(answer: Answer): void {
    if (answer === "ready") {
      this.#ready = true;
      if (this.#current) this.#ask(this.#current);
    } else if (answer.last) this.#finish(answer.verdict);
    else this.#first = answer.verdict;
  }

  #missed(miss: Miss): void {
    void this.#endThread();
    this.#finish(this.#first ?? miss);
  }

  #finish(outcome: Verdict | Miss): void {
    const check = this.#current;
    this.#current = undefined;
    // `done` may drop or push checks.
    check?.done(outcome);
    if (!this.#current) this.#next();
  }

  #rest(): void {
    if (!this.#thread) return;
    this.#thread.keepAlive(false);
    this.#timer = setTimeout(() => void this.#endThread(), limits.schemaThreadIdle).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #endThread(): Promise<void> {
    this.#disarm();
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.end();
  }
}
