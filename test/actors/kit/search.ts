import type { TaskId } from "#domain/id";
import { audit } from "./audit.js";
import { beginningOf, eventsOf, happen, type Situation, type Story } from "./story.js";
import { type Rows, World } from "./world.js";
import { wrongAfter } from "./wrong.js";

export interface Searched {
  /** Orders of events in which nothing more can happen at the end. */
  readonly interleavings: bigint;
  /** Situations that differ in more than time; each was looked at once. */
  readonly situations: number;
  /** What was wrong, with the way that led there; the first few. */
  readonly wrong: readonly string[];
  /** How it can end, by the events that happened on the way. */
  readonly ends: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A story with more situations than this is too long to be told here. */
const SITUATIONS_MOST = 100_000;
const WRONG_SHOWN = 5;

/** Looks at every order in which the events of the story can happen. */
export async function search(story: Story): Promise<Searched> {
  const world = new World(story.templates);
  const begin = await beginningOf(story, world);
  const wrong = audit(begin.rows);
  const ends = new Map<string, Set<string>>();
  /** By situation, the orders that lead on from it. */
  const ways = new Map<string, bigint>();

  const look = async (here: Situation, way: readonly string[]): Promise<bigint> => {
    const key = keyOfSituation(here);
    const known = ways.get(key);
    if (known !== undefined) return known;
    if (ways.size > SITUATIONS_MOST) throw new Error(`more than ${SITUATIONS_MOST} situations`);

    const events = eventsOf(story, here);
    let sum = events.length === 0 ? 1n : 0n;
    for (const event of events) {
      const { came, ...there } = await happen(event, here, world);
      const addressed = [...way, event.name];
      for (const text of wrongAfter(event, here.rows, came)) {
        if (wrong.length < WRONG_SHOWN) wrong.push(`${addressed.join(", ")}: ${text}`);
      }
      sum += await look(there, addressed);
    }
    if (events.length === 0) {
      const past = here.past.join(", ");
      ends.set(past, (ends.get(past) ?? new Set()).add(endOf(here.rows)));
    }
    ways.set(key, sum);
    return sum;
  };

  const interleavings = await look(begin, []);
  return { interleavings, situations: ways.size, wrong, ends };
}

/** Moments differ from order to order; only whether one has come makes a difference. */
const MOMENTS = new Set([
  "createdAt",
  "startedAt",
  "finishedAt",
  "avoidUntil",
  "rank",
  "revision",
  "ordinal",
  "order",
]);

function keyOfSituation({ rows, now, past }: Situation): string {
  const { tasks, steps, runs, outputs, stepInputs, deadlines } = rows;
  const sorted = (map: ReadonlyMap<string, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const all = [past, ...[tasks, steps, runs, outputs, stepInputs].map(sorted), [...deadlines.keys()].sort()];
  return JSON.stringify(all, (name, value) => {
    if (MOMENTS.has(name)) return undefined;
    return name === "nextAttemptAt" && value !== 0 ? value <= now : value;
  });
}

function endOf({ tasks, steps }: Rows): string {
  const ofTask = (id: TaskId) =>
    [...steps.values()]
      .filter(({ taskId }) => taskId === id)
      .map(({ name, state, attempts }) => `${name}=${state}/${attempts}`)
      .sort();
  return [...tasks.values()]
    .map(({ id, state, errorMessage }) => `${id} ${state} "${errorMessage}" ${ofTask(id).join(" ")}`)
    .join("; ");
}
