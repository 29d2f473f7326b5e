import fc from "fast-check";
import { expect, test } from "vitest";
import type { LaneView, Served, Slots } from "#actors/scheduler/messages";
import { choose } from "#actors/scheduler/placement";
import type { SessionId, WorkerId } from "#domain/id";
import { laneOf } from "#domain/task/lane";
import { rankOf } from "#domain/task/step";
import { type Instant, instant } from "#domain/time/time";
import { carries } from "#domain/worker/worker";
import { agent, ready, session, workerInfo } from "./kit/rows.js";
import { runIds, slots } from "./kit/views.js";

const at = instant(100_000);

function worker(
  name: string,
  capacity: number,
  held = 0,
  info: Parameters<typeof workerInfo>[0] = {},
): Slots {
  const workerId = name as WorkerId;
  return slots({
    session: session({ id: name as SessionId, capacity, info: workerInfo({ workerId, ...info }) }),
    held,
  });
}

/** A lane with `count` Steps ready, one each millisecond from `since` on. */
function queue(
  namespace: string,
  count: number,
  { since = 1, agentName = "triage", selector = {} } = {},
): LaneView {
  const lane = laneOf(namespace, agentName, selector);
  const steps = Array.from({ length: count }, (_, i) =>
    ready(`${namespace}-${i}`, { lane: lane.key, rank: since + i }),
  );
  return { lane, ready: steps };
}

/** Comes when a hundred Tasks of others have waited for long. */
const late = { since: 1_000 };

const namespaceOf = ({ taskId }: { taskId: string }) => taskId.split("-")[0] ?? "";

/** Rounds of one free slot each, as they come when runs end one by one. */
function rounds(views: readonly LaneView[], count: number): string[] {
  const left = views.map(({ lane, ready }) => ({ lane, ready: [...ready] }));
  let served: Served = {};
  return Array.from({ length: count }, () => {
    const lanes = left.filter(({ ready }) => ready.length > 0);
    const round = choose(lanes, [worker("w1", 1)], runIds(1), served, at);
    served = round.served;
    const [placed] = round.placements;
    if (!placed) return "nobody";
    for (const { ready } of left) {
      const i = ready.findIndex(({ taskId }) => taskId === placed.taskId);
      if (i >= 0) ready.splice(i, 1);
    }
    return namespaceOf(placed);
  });
}

test("a namespace with one task does not wait behind another with a hundred", () => {
  const load = [queue("flood", 100), queue("quiet", 1, late)];
  const { placements } = choose(load, [worker("w1", 4)], runIds(4), {}, at);

  expect(placements.map(namespaceOf)).toEqual(["flood", "quiet", "flood", "flood"]);
  expect(rounds(load, 4)).toEqual(["flood", "quiet", "flood", "flood"]);
});

test("while two namespaces both have work, they get the same, slot by slot, whatever their loads", () => {
  expect(
    rounds([queue("flood", 100), queue("quiet", 10, late)], 20).filter((name) => name === "quiet"),
  ).toHaveLength(10);
});

test("a namespace that was served alone for long owes nothing to one that comes anew", () => {
  const alone = choose([queue("old", 50)], [worker("w1", 50)], runIds(50), {}, at);
  const { placements } = choose(
    [queue("old", 9), queue("new", 9, late)],
    [worker("w1", 4)],
    runIds(4),
    alone.served,
    at,
  );

  expect(placements.map(namespaceOf)).toEqual(["old", "new", "old", "new"]);
});

test("a namespace may have the name of something every object has", () => {
  expect(rounds([queue("constructor", 5), queue("__proto__", 5), queue("plain", 5, late)], 6).sort()).toEqual(
    ["constructor", "constructor", "__proto__", "__proto__", "plain", "plain"].sort(),
  );
});

test("within a namespace the oldest goes first, as if it had waited 6 s longer for each point of priority", () => {
  const aged = (taskId: string, readyAt: number, priority: number, selector = {}) => {
    const lane = laneOf("default", "triage", selector);
    return { lane, ready: [ready(taskId, { lane: lane.key, rank: rankOf(instant(readyAt), priority) })] };
  };
  const order = (...views: LaneView[]) =>
    choose(views, [worker("w1", 9, 0, { labels: { gpu: "a" } })], runIds(9), {}, at).placements.map(
      ({ taskId }) => taskId,
    );

  expect(order(aged("young-urgent", 59_999, 10), aged("old", 0, 0, { gpu: "a" }))).toEqual([
    "young-urgent",
    "old",
  ]);
  expect(order(aged("young-urgent", 60_001, 10), aged("old", 0, 0, { gpu: "a" }))).toEqual([
    "old",
    "young-urgent",
  ]);
});

test("a step keeps away from the worker that handed it back, for as long as it says, and holds nobody up", () => {
  const lane = laneOf("default", "triage", {});
  const shy = ready("shy", { rank: 1, avoidWorker: "w1" as WorkerId, avoidUntil: instant(at + 500) });
  const lanes = [{ lane, ready: [shy, ready("next", { rank: 2 })] }];
  const placed = (workers: Slots[], now: Instant) =>
    choose(lanes, workers, runIds(9), {}, now).placements.map(
      ({ taskId, session }) => `${taskId} to ${session}`,
    );

  expect(placed([worker("w1", 1)], at)).toEqual(["next to w1"]);
  expect(placed([worker("w1", 1), worker("w2", 1)], at)).toEqual(["shy to w2", "next to w1"]);
  expect(placed([worker("w1", 1)], instant(at + 500))).toEqual(["shy to w1"]);
});

test("a step that waits goes to nobody before its time, and holds nobody up", () => {
  const lane = laneOf("default", "triage", {});
  const waits = ready("waits", { rank: 1, nextAttemptAt: instant(at + 500) });
  const lanes = [{ lane, ready: [waits, ready("next", { rank: 2 })] }];
  const placed = (now: Instant) =>
    choose(lanes, [worker("w1", 9)], runIds(9), {}, now).placements.map(({ taskId }) => taskId);

  expect(placed(at)).toEqual(["next"]);
  expect(placed(instant(at + 500))).toEqual(["waits", "next"]);
});

test("the worker with the smallest share of its slots taken gets the next step", () => {
  const workers = [worker("busy", 4, 2), worker("wide", 10, 4), worker("small", 2, 1)];
  const { placements } = choose([queue("default", 3)], workers, runIds(3), {}, at);

  // 2/4, 4/10 and 1/2; then 5/10; then all at a half, and the first that was named.
  expect(placements.map(({ session }) => session)).toEqual(["wide", "busy", "wide"]);
});

const names = ["a", "b"] as const;
const labelled = fc.dictionary(fc.constantFrom("gpu", "zone"), fc.constantFrom("x", "y"), { maxKeys: 2 });

const worlds = fc.record({
  lanes: fc.uniqueArray(
    fc
      .tuple(
        fc.constantFrom(...names),
        fc.constantFrom("triage", "report"),
        labelled,
        fc.integer({ min: 1, max: 12 }),
      )
      .map(([namespace, agentName, selector, count]) => queue(namespace, count, { agentName, selector })),
    { selector: ({ lane }) => lane.key, maxLength: 6 },
  ),
  workers: fc
    .array(
      fc.record({
        capacity: fc.integer({ min: 0, max: 6 }),
        held: fc.integer({ min: 0, max: 8 }),
        labels: labelled,
        namespaces: fc.subarray([...names]),
        agents: fc.subarray(["triage", "report"]),
      }),
      { maxLength: 5 },
    )
    .map((all) =>
      all.map(({ capacity, held, labels, namespaces, agents }, i) =>
        worker(`w${i}`, capacity, held, { labels, namespaces, agents: agents.map(agent) }),
      ),
    ),
  ids: fc.integer({ min: 0, max: 20 }).map(runIds),
});

/** What a worker must have to take from a lane, said a second time. */
function fits({ session: { info } }: Slots, { lane }: LaneView): boolean {
  return (
    info.agents.some(({ name }) => name === lane.agentName) &&
    carries(info.labels, lane.selector) &&
    (info.namespaces.length === 0 || info.namespaces.includes(lane.namespace))
  );
}

/** Gives every Step a name of its own, so that a placement says which lane it comes from. */
function apart(lanes: readonly LaneView[]): LaneView[] {
  return lanes.map(({ lane, ready }, i) => ({
    lane,
    ready: ready.map((step) => ({ ...step, taskId: `${i}/${step.taskId}` as typeof step.taskId })),
  }));
}

test("no worker gets more than its slots, an agent it does not run, or labels and namespaces it does not have", () => {
  fc.assert(
    fc.property(worlds, ({ lanes: some, workers, ids }) => {
      const lanes = apart(some);
      const { placements } = choose(lanes, workers, ids, {}, at);

      for (const slot of workers) {
        const given = placements.filter(({ session }) => session === slot.session.id);
        expect(given.length).toBeLessThanOrEqual(Math.max(0, slot.session.capacity - slot.held));
        for (const { taskId } of given) {
          expect(fits(slot, lanes[Number(taskId.split("/")[0])] as LaneView)).toBe(true);
        }
      }
      expect(new Set(placements.map(({ taskId }) => taskId)).size).toBe(placements.length);
      expect(placements.map(({ runId }) => runId)).toEqual(ids.slice(0, placements.length));
    }),
  );
});

test("nothing waits while an id is left and a worker that fits has room", () => {
  fc.assert(
    fc.property(worlds, ({ lanes: some, workers, ids }) => {
      const lanes = apart(some);
      const { placements } = choose(lanes, workers, ids, {}, at);
      if (placements.length === ids.length) return;

      const placed = new Set(placements.map(({ taskId }) => taskId));
      const room = workers.filter(
        ({ session, held }) =>
          held + placements.filter((each) => each.session === session.id).length < session.capacity,
      );
      for (const view of lanes) {
        if (view.ready.every(({ taskId }) => placed.has(taskId))) continue;
        expect(room.filter((slot) => fits(slot, view))).toEqual([]);
      }
    }),
  );
});

test("a lane is served in its own order", () => {
  fc.assert(
    fc.property(worlds, ({ lanes: some, workers, ids }) => {
      const lanes = apart(some);
      const { placements } = choose(lanes, workers, ids, {}, at);

      lanes.forEach(({ ready }, i) => {
        const served = placements.filter(({ taskId }) => taskId.startsWith(`${i}/`));
        expect(served.map(({ taskId }) => taskId)).toEqual(
          ready.slice(0, served.length).map(({ taskId }) => taskId),
        );
      });
    }),
  );
});
