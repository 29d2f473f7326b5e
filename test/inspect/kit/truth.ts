import { maxLossesOf } from "#domain/task/losses";
import { holdOf, type RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { SeenActor } from "./replay.js";

/** The rows of a store, by their keys. */
export interface Rows {
  readonly tasks: { get(id: string): TaskRow | undefined };
  readonly steps: { get(key: string): StepRow | undefined };
  readonly runs: { get(id: string): RunRow | undefined };
}

/** What of an actor the store knows better: its state, and what is counted of it. Undefined for what is not in the store. */
function truthOf(sessionId: string, rows: Rows): Readonly<Record<string, unknown>> | undefined {
  const [kind, id = ""] = [
    sessionId.slice(0, sessionId.indexOf(":")),
    sessionId.slice(sessionId.indexOf(":") + 1),
  ];
  if (kind === "task") {
    const row = rows.tasks.get(id);
    return row && { value: row.state, counts: row.counts, hasRun: row.hasRun, reason: row.reason };
  }
  if (kind === "step") {
    const row = rows.steps.get(id);
    if (!row) return undefined;
    const {
      state: value,
      attempts,
      losses,
      unsatisfied,
      fence,
      declines,
      order,
      runId,
      dependsOn,
      members,
    } = row;
    const counts = {
      attempts,
      losses,
      maxLosses: maxLossesOf(row),
      unsatisfied,
      fence,
      declines,
      order,
      runId,
    };
    return { value, ...counts, dependencies: dependsOn.length, members: members.length };
  }
  const row = rows.runs.get(id);
  if (kind !== "run" || !row) return undefined;
  const { status, heldBy, nextSeq, outputBytes, reason, fence, attempt } = row;
  return { value: { status, hold: holdOf(row) }, heldBy, nextSeq, outputBytes, reason, fence, attempt };
}

/** In which actors, of those that are named, a viewer is wrong. */
export function differences(
  actors: ReadonlyMap<string, SeenActor>,
  rows: Rows,
  ids: Iterable<string> = actors.keys(),
): string[] {
  const wrong: string[] = [];
  for (const id of ids) {
    const truth = truthOf(id, rows);
    const seen = actors.get(id);
    if (!truth || !seen) continue;
    const { value, ...fields } = truth;
    const shown = { value: seen.value, ...pick(seen.context, Object.keys(fields)) };
    const [a, b] = [JSON.stringify(shown), JSON.stringify({ value, ...said(fields) })];
    if (a !== b) wrong.push(`${id} is shown as ${a}, and is ${b}`);
  }
  return wrong;
}

/** Ids that there are not are not shown. */
function said(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}

function pick(context: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name in context).map((name) => [name, context[name]]));
}
