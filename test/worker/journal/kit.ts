import type { JournalRecord } from "#domain/task/journal";
import type { UsedModel } from "#domain/task/usage";
import { AgentError, RunStopped } from "#worker/agent/error";
import { DurableCalls, type DurableKeeper } from "#worker/journal/durable-calls";
import type { EarlierRecord, Entry } from "#worker/journal/journal";
import type { JournalError } from "#worker/journal/misfit";

/** What an agent has of its context here. */
export type Ctx = DurableCalls;

/** A Run of an agent whose journal a test keeps, as a plane would. */
export interface KeptRun {
  readonly ctx: DurableCalls;
  /** All records that are durable, those of earlier Runs first. */
  readonly journal: EarlierRecord[];
  readonly told: unknown[];
  readonly used: UsedModel[];
  readonly aborter: AbortController;
}

/** What a Run came to. */
export type Came =
  | { readonly to: "result"; readonly result: unknown }
  | { readonly to: "error"; readonly error: Error }
  | { readonly to: "suspension"; readonly entries: readonly number[]; readonly count: number }
  | { readonly to: "loss" };

/**
 * Runs an agent with a journal that begins with what earlier Runs have written.
 *
 * @param lostAt the Run's Worker is lost when it wants to write the record of this number: nothing more is durable, and nobody hears of
 *   what its agent still does
 */
export async function runWith(
  agent: (ctx: DurableCalls) => Promise<unknown>,
  earlier: readonly EarlierRecord[] = [],
  lostAt = Number.POSITIVE_INFINITY,
): Promise<KeptRun & { readonly came: Came }> {
  const run = keptRun(earlier, lostAt);
  const came = run.ended;
  const worked = (async (): Promise<Came> => {
    try {
      const result = await agent(run.ctx);
      await run.ctx.runner.conclude();
      return { to: "result", result };
    } catch (error) {
      return { to: "error", error: error as Error };
    }
  })();
  const first = await Promise.race([came, worked]);
  if (first.to === "result" || first.to === "error") {
    run.ctx.runner.stop(new RunStopped("ended", "the agent has returned"));
  }
  return { ...run, came: first };
}

export function keptRun(earlier: readonly EarlierRecord[] = [], lostAt = Number.POSITIVE_INFINITY) {
  const journal = [...earlier];
  const told: unknown[] = [];
  const used: UsedModel[] = [];
  const aborter = new AbortController();
  let end: (came: Came) => void = () => {};
  const ended = new Promise<Came>((resolve) => {
    end = resolve;
  });
  let isLost = false;
  const keeper: DurableKeeper = {
    signal: aborter.signal,
    earlier: earlier.length === 0 ? undefined : async () => earlier,
    keep: async (records: readonly JournalRecord[]) => {
      for (const record of records) {
        if (isLost || journal.length >= lostAt) {
          isLost = true;
          end({ to: "loss" });
          return new Promise<void>(() => {}); // nobody answers any more
        }
        const child = record.kind === "CHILD" && record.state === "BEGUN";
        journal.push({ ...record, ...(child && { childId: `child-${record.seq}` }) });
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
    childOf: async (seq) => `child-${seq}`,
    quiet: async () => {},
    suspend: (entries: readonly Entry[], count) => {
      const numbers = entries.map(({ number }) => number);
      aborter.abort(new RunStopped("suspended", ""));
      if (!isLost) end({ to: "suspension", entries: numbers, count });
    },
    fail: (error: JournalError) => {
      if (!isLost) end({ to: "error", error });
      aborter.abort(new RunStopped("cancelled", error.message));
    },
    event: (type, metadata) => void told.push([type, metadata]),
    used: (report) => {
      if (report.model === "too much") throw new AgentError("too much");
      used.push(report);
    },
    monotonic: () => 0,
  };
  const ctx = new DurableCalls(keeper);
  aborter.signal.addEventListener("abort", () => ctx.runner.stop(aborter.signal.reason));
  return { ctx, journal, told, used, aborter, ended };
}

/** A record, but for what a test says of it. */
export function record(changes: Partial<EarlierRecord>): EarlierRecord {
  return {
    ...{ seq: 0, entry: 1, state: "COMPLETED", kind: "STEP", name: "a", occurrence: 1, inputDigest: "" },
    ...{ effect: "IDEMPOTENT", concurrent: false, result: "", errorMessage: "" },
    ...changes,
  };
}

/** A journal as people would write it down: one line a record. */
export function lines(journal: readonly EarlierRecord[]): string[] {
  return journal.map(({ entry, state, kind, name, occurrence, concurrent, result, errorMessage }) => {
    const which = occurrence > 1 ? `#${occurrence}` : "";
    const what = `${entry} ${kind} ${name}${which}${concurrent ? " beside" : ""} ${state}`;
    return `${what}${result === "" ? "" : ` ${result}`}${errorMessage === "" ? "" : ` ${errorMessage}`}`;
  });
}
