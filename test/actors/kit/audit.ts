import { stepKey } from "#domain/id";
import type { DeadlineKind } from "#domain/task/deadline";
import { isOver } from "#domain/task/run";
import { hasEnded, type StepRow, type StepState, satisfies } from "#domain/task/step";
import { isTerminal, type StepCounts, type TaskRow } from "#domain/task/task";
import { keyOf, type Rows } from "./world.js";

/**
 * Everything that must be true of rows between two messages, whatever was said before; one line for each
 * thing that is not. What is counted is counted again from the rows that it stands for.
 */
export function audit(rows: Rows): string[] {
  const steps = [...rows.steps.values()];
  return [
    ...[...rows.tasks.values()].flatMap((task) => {
      const own = steps.filter(({ taskId }) => taskId === task.id);
      return [
        ...countsOf(task, own),
        ...(isTerminal(task.state) ? endOf(task, own, rows) : lifeOf(task, own, rows)),
      ];
    }),
    ...deadlinesOf(rows),
    ...steps.flatMap((step) => [...edgesOf(step, rows), ...groupOf(step, rows), ...resultOf(step, rows)]),
  ];
}

function countsOf(task: TaskRow, steps: readonly StepRow[]): string[] {
  const counts: Partial<Record<StepState, number>> = {};
  for (const { state } of steps) counts[state] = (counts[state] ?? 0) + 1;
  const passedOver = steps.filter((step) => step.state === "error" && satisfies(step));
  const done = steps.filter(({ state }) => state === "complete" || state === "resolved_manually");
  const orders = done.map(({ order }) => order).sort((a, b) => a - b);
  const isolated = passedOver.filter(({ spec }) => spec.member?.failure === "isolate");
  return [
    ...differing(`counts of ${task.id}`, sorted(task.counts), sorted(counts)),
    ...differing(`tolerated of ${task.id}`, task.tolerated, passedOver.length),
    ...differing(`isolated of ${task.id}`, task.isolated, isolated.length),
    ...differing(`order of ${task.id}`, orders.join(), orders.map((_, i) => i + 1).join()),
  ];
}

function sorted(counts: StepCounts): string {
  return JSON.stringify(Object.entries(counts).sort());
}

/** An ended Task has nothing left that could move. */
function endOf({ id, state, finishedAt }: TaskRow, steps: readonly StepRow[], rows: Rows): string[] {
  const live = steps.filter((step) => !hasEnded(step.state)).map(({ name }) => name);
  // What waits for the release of its Runs outlasts it.
  const deadlines = [...rows.deadlines.values()].filter(
    ({ taskId, kind }) => taskId === id && kind !== "release",
  );
  const runs = [...rows.runs.values()].filter(({ taskId, status }) => taskId === id && !isOver(status));
  const last = rows.log.get(id)?.at(-1);
  return [
    ...differing(`live steps of ended ${id}`, live.join(), ""),
    ...differing(`live runs of ended ${id}`, runs.map((run) => run.id).join(), ""),
    ...differing(`deadlines of ended ${id}`, deadlines.map(({ kind }) => kind).join(), ""),
    ...(finishedAt === 0 ? [`${id} has ended, but never`] : []),
    ...differing(`last line of ended ${id}`, last?.type === "task" && last.state, state),
  ];
}

/** A live Task waits for something: a worker, a deadline, a client, another Task. */
function lifeOf({ id, state, spec }: TaskRow, steps: readonly StepRow[], rows: Rows): string[] {
  const runs = [...rows.runs.values()];
  const waits = steps.some(
    (step) =>
      step.state === "enqueued" ||
      (step.state === "in_progress" && (step.childId !== "" || step.spec.type === "signal")) ||
      (step.state === "in_progress" && step.members.length > 0) ||
      (step.state === "in_progress" && suspendedFor(step).length > 0) ||
      (step.state === "in_progress" && runs.some((run) => run.id === step.runId && !isOver(run.status))),
  );
  const timed = [...rows.deadlines.values()].some(({ taskId }) => taskId === id);
  const undoing = state === "pending" && spec.compensates !== "";
  const cancelled = steps.filter((step) => step.state === "cancelled").map(({ name }) => name);
  return [
    ...(waits || timed || undoing || awaitsChild(steps) ? [] : [`${id} is ${state} and waits for nothing`]),
    ...differing(`cancelled steps of live ${id}`, cancelled.join(), ""),
    ...(state === "evaluating_results" || state === "initializing" ? [`${id} rests in ${state}`] : []),
  ];
}

/** A Step may begin, and waits until another Task is quiescent: the one that it compensates, or that compensates its child. */
function awaitsChild(steps: readonly StepRow[]): boolean {
  return steps.some(
    ({ state, unsatisfied, spec, childId }) =>
      state === "pending" && unsatisfied === 0 && (childId !== "" || spec.compensates?.isUnsure),
  );
}

/** A deadline of a Step is there exactly while the Step waits for it. */
function deadlinesOf({ deadlines, steps }: Rows): string[] {
  const set = [...deadlines.values()].filter(({ stepName }) => stepName !== "");
  const idle = set.filter((deadline) => {
    const step = steps.get(stepKey(deadline));
    return step?.state !== (deadline.kind === "retry" ? "waiting_for_retry" : "in_progress");
  });
  const missing = [...steps.values()].filter((step) => {
    const kind = awaited(step);
    return kind !== undefined && !set.some((one) => stepKey(one) === keyOf(step) && one.kind === kind);
  });
  return [
    ...idle.map(
      (deadline) => `${stepKey(deadline)} has a deadline ${deadline.kind} that it does not wait for`,
    ),
    ...missing.map((step) => `${keyOf(step)} waits for ${awaited(step)}, which has no deadline`),
  ];
}

/** What a suspended Step waits for; empty of any other. */
function suspendedFor({ waits, journal }: StepRow) {
  return journal && waits ? journal.open.filter(({ entry }) => waits.includes(entry)) : [];
}

function awaited(step: StepRow): DeadlineKind | undefined {
  const { state, spec, waits } = step;
  if (state === "waiting_for_retry") return "retry";
  if (state !== "in_progress") return undefined;
  if (spec.type === "timer") return "timer";
  if (spec.type === "signal") return spec.signal?.timeoutMs ? "signal" : undefined;
  if (waits) return suspendedFor(step).some(({ until }) => until !== undefined) ? "wake" : undefined;
  return spec.timeoutMs > 0 && spec.type !== "map" && spec.type !== "child_task" ? "attempt" : undefined;
}

/** What a live Step waits for, counted again; and each edge is known at both its ends. */
function edgesOf(step: StepRow, { steps }: Rows): string[] {
  const key = keyOf(step);
  const at = (stepName: string) => steps.get(stepKey({ taskId: step.taskId, stepName }));
  const open = step.dependsOn.filter((name) => {
    const before = at(name);
    return !before || !satisfies(before);
  });
  return [
    ...(hasEnded(step.state) ? [] : differing(`open dependencies of ${key}`, step.unsatisfied, open.length)),
    ...step.dependsOn
      .filter((name) => !at(name)?.dependants.includes(step.name))
      .map((name) => `${key} waits for ${name}, which does not know it`),
    ...step.dependants
      .filter((name) => !at(name)?.dependsOn.includes(step.name))
      .map((name) => `${key} would tell ${name}, which does not wait for it`),
    ...differing(`double edges of ${key}`, step.dependsOn.length, new Set(step.dependsOn).size),
  ];
}

/** No more members of a batch or map are under way than may be. */
function groupOf(step: StepRow, { steps, tasks }: Rows): string[] {
  const members = step.members.flatMap(
    (name) => steps.get(stepKey({ taskId: step.taskId, stepName: name })) ?? [],
  );
  const [first] = members;
  if (!first) return [];
  const most = first.spec.member?.concurrency ?? 0;
  const begun = members.filter(({ state, attempts }) => state !== "pending" || attempts > 0);
  const underWay = begun.filter(({ state }) => !hasEnded(state));
  const opened = tasks.get(step.taskId)?.opened[step.name] ?? 0;
  return [
    ...(underWay.length > most
      ? [`${keyOf(step)} has ${underWay.length} members under way, ${most} are the most`]
      : []),
    ...(opened > members.length ? [`${keyOf(step)} has let ${opened} of ${members.length} members go`] : []),
  ];
}

/** A result that is kept is the one that was brought. */
function resultOf({ taskId, name, outputBytes, state }: StepRow, { outputs }: Rows): string[] {
  if (state !== "complete") return [];
  const kept = outputs.get(stepKey({ taskId, stepName: name })) ?? "";
  return differing(`result bytes of ${taskId}/${name}`, kept.length, outputBytes);
}

function differing<Value>(what: string, is: Value, shouldBe: Value): string[] {
  return is === shouldBe ? [] : [`${what}: ${String(is)}, should be ${String(shouldBe)}`];
}
