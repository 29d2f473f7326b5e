import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import { isOver } from "#domain/run";
import { isTerminal, type TaskRow } from "#domain/task";
import { templateKey } from "#domain/template";
import { NEVER } from "#domain/time";
import type { Commit } from "#ports/store";
import { keyOf, type MemoryTables, runIn } from "./memory-reads.js";

/**
 * Everything that can refuse a commit, before anything is written.
 *
 * @throws {Fault} `conflict`
 * @throws {InvariantViolation} if it would change what never changes
 */
export function check(tables: MemoryTables, turn: Commit): void {
  checkRows(tables, turn);
  checkKeys(tables, turn);
  checkTemplates(tables, turn);
}

function checkRows(tables: MemoryTables, turn: Commit): void {
  const { tasks } = tables;
  const created = new Set(turn.tasks.map(({ id }) => id));
  const known = (id: TaskId) => invariant(created.has(id) || tasks.has(id), `no task ${id}`);

  for (const task of turn.tasks) {
    const stored = tasks.get(task.id)?.task;
    follows(stored, task, `task ${task.id}`);
    const same = !stored || !isTerminal(stored.state) || stored.state === task.state;
    invariant(same, `task ${task.id} is ${stored?.state} for ever, not ${task.state}`);
  }
  for (const step of turn.steps) {
    known(step.taskId);
    follows(tasks.get(step.taskId)?.steps.get(step.name), step, `step ${step.taskId}/${step.name}`);
  }
  for (const run of turn.runs) {
    known(run.taskId);
    const stored = runIn(tables, run.id);
    follows(stored, run, `run ${run.id}`);
    const same = !stored || !isOver(stored.status) || stored.status === run.status;
    invariant(same, `run ${run.id} is ${stored?.status} for ever, not ${run.status}`);
  }
  for (const { taskId } of [...turn.inputs, ...turn.outputs, ...turn.stepInputs, ...turn.log]) known(taskId);
  for (const { taskId, at } of turn.deadlines) if (at !== NEVER) known(taskId);
}

/** One Task may let go of a key that another takes with the same commit. */
function checkKeys({ taskOfKey }: MemoryTables, turn: Commit): void {
  const released = new Set(turn.tasks.filter((task) => heldKey(task) === undefined).map(({ id }) => id));
  const taken = new Map<string, TaskId>();
  for (const task of turn.tasks) {
    const key = heldKey(task);
    if (key === undefined) continue;
    const holder = taken.get(key) ?? taskOfKey.get(key);
    taken.set(key, task.id);
    if (holder === undefined || holder === task.id || released.has(holder)) continue;
    const { namespace, spec } = task;
    throw new Fault(
      "conflict",
      `idempotency key ${spec.idempotencyKey} of namespace ${namespace} is taken; load it again`,
    );
  }
}

function checkTemplates({ templates }: MemoryTables, turn: Commit): void {
  const added = new Set<string>();
  for (const row of turn.templates) {
    const key = templateKey(row);
    if (added.has(key) || templates.get(row))
      throw new Fault("conflict", `template ${key} is there; load it again`);
    added.add(key);
  }
}

/** What another Task cannot take while this one has it; undefined if there is no such thing. */
export function heldKey({ namespace, holdsKey, spec: { idempotencyKey } }: TaskRow): string | undefined {
  return holdsKey && idempotencyKey !== "" ? keyOf(namespace, idempotencyKey) : undefined;
}

function follows(
  stored: { readonly revision: number } | undefined,
  next: { readonly revision: number },
  what: string,
) {
  if (next.revision === (stored?.revision ?? 0) + 1) return;
  const found = stored ? `revision ${stored.revision}` : "nothing";
  throw new Fault("conflict", `${what}: revision ${next.revision} cannot follow ${found}; load it again`);
}
