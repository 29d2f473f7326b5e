import { type RunId, stepKey } from "#domain/id";
import { type JournalWait, journalKinds, journalStates, NO_JOURNAL, stepEffects } from "#domain/task/journal";
import { millis } from "#domain/time/time";
import type { WorkerReport } from "#ports/plane";
import type { SimWorld } from "../sim-world.js";

/** A lie of durable steps or of usage: about one of the liar's own Runs, of which it may say anything, or another's. */
export function lieOfJournal(world: SimWorld, any: RunId): WorkerReport {
  const { dice, mirror } = world;
  const own = [...mirror.evil];
  const runId = own.length > 0 && dice.chance(0.6) ? dice.pick(own.slice(-4)) : any;
  const run = mirror.runs.get(runId);
  const { records, entries, open } = (run && mirror.steps.get(stepKey(run))?.journal) ?? NO_JOURNAL;
  const fence = run && dice.chance(0.8) ? run.fence : dice.between(0, 4);
  const about = (count: number) => Math.max(0, count + dice.pick([0, 0, 0, -1, 1, 5]));
  switch (dice.between(0, 5)) {
    case 0: {
      const waits = open.map(({ entry }) => entry);
      const some = waits.length > 0 && dice.chance(0.7) ? waits : [about(entries)];
      return { type: "suspend", runId, fence, entries: some, journalCount: about(records) };
    }
    case 1: {
      const used = { inputTokens: 1, outputTokens: 2, cachedTokens: 0, toolCalls: 9 };
      return {
        type: "usage",
        runId,
        fence,
        seq: about(run?.usage?.reports ?? 0),
        used: { model: "evil", ...used },
      };
    }
    default: {
      const kind = dice.pick(journalKinds);
      const state = dice.pick([...journalStates, "BEGUN"] as const);
      const isNew = dice.chance(0.7);
      const entry = isNew ? entries + 1 : Math.max(1, about(entries));
      const wait = state === "BEGUN" && dice.chance(0.8) ? waitOf(world, kind) : undefined;
      const effect = dice.pick([...stepEffects, "ONCE"] as const);
      const named = { kind, name: "evil", occurrence: 1, inputDigest: "", effect, concurrent: false };
      const record = { ...named, seq: about(records), entry, state, result: "1", errorMessage: "" };
      return { type: "journal", runId, fence, record: { ...record, ...(wait && { wait }) } };
    }
  }
}

/** Nothing that nobody ends: the world must come to its end. */
function waitOf({ dice }: SimWorld, kind: string): JournalWait | undefined {
  if (kind === "STEP" || kind === "TOOL") return undefined;
  const duration = millis(dice.between(1, 20_000));
  if (kind !== "CHILD") return { duration, otherwise: "0" };
  const agent = { agentName: "echo", template: null, input: "{}", labels: {}, workerSelector: {} };
  return { duration, child: { ...agent, timeoutMs: millis(0), maxAttempts: 0 } };
}
