import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { InvariantViolation } from "#domain/invariant";
import { instant } from "#domain/time/time";
import type { BootState, Commit, Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import {
  type Edit,
  edited,
  editOf,
  laneKeys,
  runIds,
  stepNames,
  taskIds,
  templateNames,
  versions,
} from "./edits.js";
import type { Arbitrary, FastCheck, Suite } from "./kit.js";

type Move =
  | { readonly type: "commit"; readonly edits: readonly Edit[] }
  | { readonly type: "retain"; readonly before: number; readonly limit: number }
  | { readonly type: "reopen" };

/** Enough for every pair of moves to meet often; a failure shrinks to the few that matter. */
const SEQUENCES = 25;
const MOVES = 25;
const MODEL_TIMEOUT_MS = 300_000;

/** Whatever is done to it, the store answers as the reference does. */
export function modelTests({ test, expect, use, ...kit }: Suite): void {
  const fc = kit.fc as FastCheck;
  const play = (moves: readonly Move[]) =>
    use(async (first, reopen) => {
      const model = memoryStore();
      await model.boot();
      let store = first;
      let at = 0;
      for (const move of moves) {
        at++;
        if (move.type === "commit") {
          const turn = await edited(model, at, move.edits);
          expect(await outcome(store, turn)).toEqual(await outcome(model, turn));
        } else if (move.type === "retain") {
          const [before, limit] = [instant(move.before), move.limit] as const;
          expect(await store.removeFinished(before, limit)).toEqual(
            await model.removeFinished(before, limit),
          );
        } else {
          store = await reopen();
          expect(bootOf(store, await store.boot())).toEqual(bootOf(store, await model.boot()));
        }
        expect(await everything(store)).toEqual(await everything(model));
      }
    });

  test(
    "any sequence of commits, refusals, retention and restarts leaves what the reference holds",
    () => fc.assert(fc.asyncProperty(movesOf(fc), play), { numRuns: kit.sequences ?? SEQUENCES }),
    MODEL_TIMEOUT_MS,
  );
}

function movesOf(fc: FastCheck): Arbitrary<Move[]> {
  const edits = fc.array(editOf(fc), { minLength: 1, maxLength: 6 });
  const move = fc.oneof<Move>(
    { weight: 12, arbitrary: fc.record({ type: fc.constant("commit" as const), edits }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("retain" as const),
        before: fc.integer({ min: 0, max: MOVES }),
        limit: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ type: "reopen" as const }) },
  );
  return fc.array(move, { minLength: 1, maxLength: MOVES });
}

/** A commit that is wrong in two ways may be refused for either. */
async function outcome(store: Store, turn: Commit): Promise<unknown> {
  try {
    return await store.commit(turn);
  } catch (error) {
    if (error instanceof InvariantViolation || (error instanceof Fault && error.code === "conflict"))
      return "refused";
    throw error;
  }
}

/** All that can be asked about the few ids there are. */
async function everything(store: Store): Promise<unknown> {
  const needs = {
    wholeTasks: taskIds,
    deadLetters: taskIds,
    runs: runIds,
    inputs: taskIds,
    keys: [{ namespace: "default", key: "k" }],
  };
  const steps = taskIds.flatMap((taskId) => stepNames.map((stepName) => ({ taskId, stepName })));
  const refs = templateNames.flatMap((name) =>
    ["", ...versions].map((version) => ({ namespace: "default", name, version })),
  );
  const asked = {
    details: taskIds.map((id) => store.reads.task(id)),
    outputs: steps.map((step) => store.reads.output(step)),
    runs: runIds.map((id) => store.reads.run(id)),
    templates: refs.map((ref) => store.reads.template(ref)),
  };
  const whole = { ...needs, steps, graphs: taskIds.slice(1), templates: refs };
  return {
    loaded: byId(await store.load({ ...whole, stepInputs: steps, outputs: steps })),
    graphs: await Promise.all(taskIds.map((id) => graph(store, id))),
    newest: await Promise.all(templateNames.map((name) => newest(store, name))),
    keyed: (await store.load({ keys: needs.keys })).tasks,
    details: await Promise.all(asked.details),
    outputs: await Promise.all(asked.outputs),
    runs: await Promise.all(asked.runs),
    templates: await Promise.all(asked.templates),
    registered: (await store.reads.templates({ namespaces: "*" }, undefined, 100)).templates,
    logs: await Promise.all(taskIds.map((id) => wholeLog(store, id))),
    listed: (await store.reads.tasks({ namespaces: ["default"] }, undefined, 10)).tasks,
    letters: await lettersOf(store),
    ready: await Promise.all(laneKeys.map((lane) => store.ready(lane, 5))),
    due: await store.due(instant(MOVES / 2), 5),
    nextDueAt: await store.nextDueAt(),
  };
}

async function lettersOf({ reads: { deadLetters } }: Store): Promise<unknown> {
  const { counts } = await deadLetters.count("*", 100);
  return {
    listed: (await deadLetters.list({ namespaces: "*" }, undefined, 10)).letters,
    queue: await deadLetters.queue(["default"], 10),
    counts: counts.map((count) => JSON.stringify(count, sortedKeys)).toSorted(),
  };
}

/** In the order of the store. */
async function graph(store: Store, id: TaskId): Promise<unknown> {
  return (await store.load({ graphs: [id] })).steps;
}

async function newest(store: Store, name: string): Promise<unknown> {
  return (await store.load({ templates: [{ namespace: "default", name, version: "" }] })).templates;
}

async function wholeLog(store: Store, id: TaskId): Promise<unknown> {
  const bounds = await store.reads.logBounds(id);
  const middle = Math.floor((bounds?.last ?? 0) / 2);
  return { bounds, all: await store.reads.log(id, 0, 1e6), half: await store.reads.log(id, middle, 1e6) };
}

/** Of a store that several processes write only what does not depend on others: its clock, and what they hold and left. */
function bootOf({ shared }: Store, booted: BootState): object {
  return byId(shared ? { ...booted, at: 0, held: [], lanes: [] } : booted);
}

/** Lists whose order the port leaves open, put in one. */
function byId<Answer extends object>(answer: Answer): object {
  const entries = Object.entries(answer).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map((row) => JSON.stringify(row, sortedKeys)).toSorted() : value,
  ]);
  return Object.fromEntries(entries);
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
