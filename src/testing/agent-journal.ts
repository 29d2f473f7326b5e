import type { JournalRecord } from "#domain/task/journal";
import type { UsedModel } from "#domain/task/usage";
import { RunStopped } from "#worker/agent/error";
import { inWords } from "#worker/agent/in-words";
import { jsonOf } from "#worker/agent/json-of";
import type { AgentContext } from "#worker/index";
import { DurableCalls, type DurableKeeper } from "#worker/journal/durable-calls";
import type { Entry } from "#worker/journal/journal";
import { CHECKPOINT, type JournalError } from "#worker/journal/misfit";
import { monotonic } from "#worker/timers";
import type { AgentJournalRecord, RunAgentOptions } from "./agent-run.js";

/** What the durable calls of an agent without a plane are given. */
export type GivenOutcomes = Pick<RunAgentOptions, "journal" | "signals" | "children">;

/**
 * Keeps the journal of an agent that runs without a plane, in memory, and says what comes of what it waits for: sleeps are over at once,
 * signals are those that are given, and children are functions.
 */
export class AgentJournal implements DurableKeeper {
  readonly calls: DurableCalls;
  readonly records: AgentJournalRecord[];
  readonly usage: UsedModel[] = [];
  readonly signal: AbortSignal;
  readonly earlier: DurableKeeper["earlier"];
  readonly event: AgentContext["event"];
  readonly #given: GivenOutcomes;
  readonly #signals: Map<string, readonly unknown[]>;
  readonly #aborter: AbortController;
  readonly #reject: (error: unknown) => void;

  /** @param reject called when the Run fails, whatever its agent does */
  constructor(
    given: GivenOutcomes,
    aborter: AbortController,
    event: AgentContext["event"],
    reject: (error: unknown) => void,
  ) {
    const { journal = [], signals = {} } = given;
    this.#given = given;
    this.#aborter = aborter;
    this.#signals = new Map(Object.entries(signals));
    this.signal = aborter.signal;
    this.event = event;
    this.records = [...journal];
    this.earlier = journal.length > 0 ? async () => journal : undefined;
    this.#reject = reject;
    this.calls = new DurableCalls(this);
    this.signal.addEventListener("abort", () => this.calls.runner.stop(this.signal.reason), { once: true });
  }

  async keep(records: readonly JournalRecord[]): Promise<void> {
    for (const record of records) {
      const isChild = record.kind === "CHILD" && record.state === "BEGUN";
      this.records.push({ ...record, ...(isChild && { childId: childId(record.seq) }) });
    }
    await new Promise((resolve) => setImmediate(resolve)); // as if it went to a server
  }

  async childOf(seq: number): Promise<string> {
    return childId(seq);
  }

  async quiet(): Promise<void> {}

  suspend(): void {}

  async over(entries: readonly Entry[]): Promise<AgentJournalRecord[]> {
    const outcomes = await Promise.all(entries.map((entry) => this.#outcome(entry)));
    const over = outcomes.filter((outcome) => outcome !== undefined);
    if (over.length === 0) {
      const names = entries.map(({ name }) => `"${name}"`).join(", ");
      this.#end(
        new TypeError(`the agent waits for the signal ${names}, of which the option signals has none left.`),
      );
    }
    const records = over.map((outcome, i) => ({ ...outcome, seq: this.records.length + i }));
    this.records.push(...records);
    return records;
  }

  fail(error: JournalError): void {
    this.#end(error);
  }

  used(report: UsedModel): void {
    this.usage.push(report);
  }

  monotonic(): number {
    return monotonic();
  }

  /** Call it when the agent has returned. @throws {AgentError} if that does not fit its journal */
  async conclude(isYielded: boolean): Promise<void> {
    if (isYielded && this.records.length > 0) throw new TypeError(CHECKPOINT);
    if (!isYielded) await this.calls.runner.conclude();
  }

  /** Settles what the agent has begun and not waited for. */
  close(): void {
    this.calls.runner.stop(new RunStopped("ended", "the agent has returned"));
  }

  /** What comes of something that is waited for; undefined if it goes on. */
  async #outcome({ number }: Entry): Promise<Omit<AgentJournalRecord, "seq"> | undefined> {
    const begun = this.records.findLast(({ entry, state }) => entry === number && state === "BEGUN");
    if (!begun) return undefined;
    const { wait, ...entry } = begun;
    if (entry.kind === "SLEEP") return { ...entry, state: "COMPLETED" };
    if (entry.kind === "CHILD") return this.#childOutcome(entry, wait?.child?.input ?? "{}");
    const [first, ...rest] = this.#signals.get(entry.name) ?? [];
    if (this.#signals.get(entry.name)?.length) {
      this.#signals.set(entry.name, rest);
      return { ...entry, state: "COMPLETED", result: jsonOf(first, `option signals.${entry.name}`) };
    }
    if (wait?.otherwise !== undefined) return { ...entry, state: "COMPLETED", result: wait.otherwise };
    if (!wait?.duration) return undefined;
    return { ...entry, state: "FAILED", errorMessage: `no signal "${entry.name}" has come in time` };
  }

  async #childOutcome(
    entry: Omit<AgentJournalRecord, "wait">,
    input: string,
  ): Promise<Omit<AgentJournalRecord, "seq"> | undefined> {
    const child = this.#given.children?.[entry.name];
    if (!child) {
      this.#end(
        new TypeError(`the agent begins the child "${entry.name}", of which the option children has none.`),
      );
      return undefined;
    }
    try {
      const result = jsonOf(await child(JSON.parse(input)), `result of children.${entry.name}`);
      return { ...entry, state: "COMPLETED", result };
    } catch (error) {
      return { ...entry, state: "FAILED", errorMessage: inWords(error) };
    }
  }

  #end(error: Error): void {
    this.#reject(error);
    if (!this.signal.aborted) this.#aborter.abort(new RunStopped("cancelled", error.message));
  }
}

function childId(seq: number): string {
  return `child-${seq}`;
}
