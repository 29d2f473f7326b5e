import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import { rowKind, rowKindNames, textKindNames } from "#domain/row-kinds";
import type { TaskRow } from "#domain/task/task";
import { templateKey } from "#domain/template/template";
import { NEVER } from "#domain/time/time";
import type { Commit } from "#ports/store-turns";
import { keyOf, type MemoryTables, storedOf } from "./reads.js";

/**
 * Checks everything that can refuse a commit, before anything is written.
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

  for (const name of rowKindNames) {
    const { noun, idOf, taskOf, endOf } = rowKind(name);
    for (const row of turn[name]) {
      const what = `${noun} ${idOf(row)}`;
      const stored = storedOf(tables, name, row);
      if (taskOf) known(taskOf(row));
      follows(stored, row, what);
      const end = stored && endOf?.(stored);
      invariant(end === undefined || end === endOf?.(row), `${what} is ${end} for ever`);
    }
  }
  for (const name of textKindNames) for (const { taskId } of turn[name]) known(taskId);
  for (const { taskId } of turn.log) known(taskId);
  for (const { taskId, at } of turn.deadlines) if (at !== NEVER) known(taskId);
}

/** Checks idempotency keys. A Task may release a key that another one takes in the same commit. */
function checkKeys({ taskOfKey }: MemoryTables, turn: Commit): void {
  const released = new Set(turn.tasks.filter((task) => ownedKey(task) === undefined).map(({ id }) => id));
  const taken = new Map<string, TaskId>();
  for (const task of turn.tasks) {
    const key = ownedKey(task);
    if (key === undefined) continue;
    const owner = taken.get(key) ?? taskOfKey.get(key);
    taken.set(key, task.id);
    if (owner === undefined || owner === task.id || released.has(owner)) continue;
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

/** The idempotency key that the Task owns, as one string; undefined if it owns none. */
export function ownedKey({ namespace, ownsKey, spec: { idempotencyKey } }: TaskRow): string | undefined {
  return ownsKey && idempotencyKey !== "" ? keyOf(namespace, idempotencyKey) : undefined;
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
