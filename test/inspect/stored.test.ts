/** What one who comes late is told of, from the store: a Task's family, or the newest Tasks. */
import { expect, test } from "vitest";
import type { StepKey, TaskId } from "#domain/id";
import type { TaskRow } from "#domain/task/task";
import { instant, NEVER } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { InspectionHub } from "#inspect/hub";
import { sessionIdOf } from "#inspect/names";
import { storedOf } from "#inspect/stored";
import { limits } from "#limits/index";
import type { InspectionSource } from "#ports/inspection";
import { run, runId, spec, step, task, taskId } from "#testing/rows";
import { settle } from "#testing/virtual-time";
import { Replay } from "./kit/replay.js";

const [top, child, grandchild, undo] = [taskId(1), taskId(2), taskId(3), taskId(4)];
const below = (id: TaskId) => ({ spec: spec({ parent: { taskId: id, stepName: "main" } }) });

/** A Task, its child and that one's child, which another Task compensates; and some that have nothing to do with it. */
const rows = new Map(
  [
    task(top),
    task(child, below(top)),
    task(grandchild, { ...below(child), compensatedBy: undo }),
    task(undo, { spec: spec({ compensates: grandchild }) }),
    task(taskId(8), { state: "complete" }),
    task(taskId(9)),
  ].map((row): [TaskId, TaskRow] => [row.id, row]),
);
const children = new Map([
  [top, child],
  [child, grandchild],
]);

const steps = (id: TaskId) => [step(id, { childId: children.get(id) ?? "" })];
const source: InspectionSource = {
  now: () => instant(5_000),
  actors: () => [{ kind: "actor", name: "task-finalizer", state: "serving" }],
  workers: () => [],
  worker: () => undefined,
  leaseUntil: () => NEVER,
  task: async (id) => {
    const row = rows.get(id);
    return row && { task: row, input: "{}", steps: steps(id), runs: id === undo ? [run(runId(1), id)] : [] };
  },
  tasks: async (most) => [...rows.values()].toReversed().slice(0, most),
};

const tasksIn = async (options: { readonly taskId?: TaskId }, from: typeof source = source) =>
  (await storedOf(options, from)).flatMap(({ kind, ...entity }) =>
    kind === "task" ? [(entity as { readonly row: TaskRow }).row.id] : [],
  );

test("of a Task: it, the Tasks that are Steps of it, and those that compensate one of them, with Steps and Runs", async () => {
  const stored = await storedOf({ taskId: top }, source);

  expect(stored.map(sessionIdOf)).toEqual([
    ...[top, child, grandchild, undo].flatMap((id) => [`task:${id}`, `step:${id}/main`]),
    `run:${runId(1)}`,
  ]);
  expect(await tasksIn({ taskId: grandchild })).toEqual([grandchild, undo]);
  expect(await tasksIn({ taskId: taskId(77) })).toEqual([]);
});

test("of very many Tasks below one, the nearest", async () => {
  const endless: InspectionSource = {
    ...source,
    task: async (id) => {
      const next = taskId(Number(id.slice("task-".length)) + 1);
      return { task: task(id), input: "{}", steps: [step(id, { childId: next })], runs: [] };
    },
  };

  expect(await tasksIn({ taskId: top }, endless)).toHaveLength(limits.inspectFirstTasks);
});

test("without a Task: the newest that have not ended, oldest first", async () => {
  expect(await tasksIn({})).toEqual([top, child, grandchild, undo, taskId(9)]);
  const asked: number[] = [];
  const tasks = async (most: number) => {
    asked.push(most);
    return [];
  };
  await storedOf({}, { ...source, tasks });
  expect(asked).toEqual([limits.inspectFirstTasks]);
});

test("who comes late goes on to hear of Tasks that are further below than a child", async () => {
  const hub = new InspectionHub({ telemetry: silentTelemetry() });
  hub.open(source);
  const viewer = hub.attach({ taskId: top });
  await settle();
  const replay = new Replay();
  const drain = () => {
    while (viewer?.isIdle === false) for (const { json } of viewer.take().items) replay.take(json);
  };
  drain();
  for (const id of [grandchild, undo, taskId(9)]) {
    const [row] = steps(id);
    if (!row) continue;
    const after = { ...row, state: "in_progress" as const };
    const change = { before: { kind: "step", row } as const, after: { kind: "step", row: after } as const };
    hub.publish({
      at: instant(6_000),
      records: [{ type: "change", ...change, cause: { type: "start" } }],
      rows: {
        task: (of) => rows.get(of),
        step: ({ taskId: of }: StepKey) => steps(of)[0],
        run: () => undefined,
      },
    });
  }
  drain();

  expect(replay.problems).toEqual([]);
  expect(replay.actors.get(`task:${grandchild}`)?.parentId).toBe(`step:${child}/main`);
  expect(replay.actors.get(`step:${grandchild}/main`)?.value).toBe("in_progress");
  expect(replay.actors.get(`step:${undo}/main`)?.value).toBe("in_progress");
  expect(replay.actors.has(`task:${taskId(9)}`)).toBe(false);
});
