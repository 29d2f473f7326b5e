import type { Step, Task } from "#client/index";
import { limits } from "#limits/index";
import { type Colors, colorsFor, duration, paintState, took } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { type Column, table } from "../terminal/table.js";

/** True if a task has more than a single standard step. */
export function isGraph({ steps }: Pick<Task, "steps">): boolean {
  return steps.length > 1 || steps.some(({ type }) => type !== "" && type !== "standard");
}

/** Formats the steps of a task as a table; `STARTED` counts from the task's creation. */
export function stepTable(task: Pick<Task, "steps" | "createdAtMs">, io: Io): string {
  return table(columnsFor(task, io.now(), colorsFor(io.stdout, io)), task.steps, io.stdout.columns);
}

function columnsFor({ createdAtMs }: Pick<Task, "createdAtMs">, now: number, colors: Colors): Column<Step>[] {
  return [
    { title: "STEP", cell: ({ name }) => name },
    { title: "TYPE", cell: ({ type }) => type || "-" },
    {
      title: "STATE",
      cell: ({ state }) => state,
      paint: (text, { state }) => paintState(colors, state, text),
    },
    { title: "ATTEMPTS", cell: attemptsOf },
    { title: "AGENT", cell: ({ agent }) => agent || "-" },
    { title: "AFTER", cell: ({ dependsOn }) => namesOf(dependsOn) },
    {
      title: "STARTED",
      cell: ({ startedAtMs }) => (startedAtMs === 0 ? "-" : `+${duration(startedAtMs - createdAtMs)}`),
    },
    { title: "TOOK", cell: (step) => lastedSoFar(step, now) },
    { title: "ERROR", cell: ({ errorMessage }) => errorMessage },
  ];
}

/** Steps without an agent have no attempts. */
function attemptsOf({ agent, attempts, maxAttempts }: Step): string {
  return agent === "" && attempts <= 1 ? "-" : `${attempts}/${maxAttempts}`;
}

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, limits.shownDependencies).join(" ");
  return names.length > limits.shownDependencies
    ? `${shown} +${names.length - limits.shownDependencies}`
    : shown || "-";
}

/** Formats how long a step took, or has taken until now. */
export function lastedSoFar({ startedAtMs, finishedAtMs }: Step, now: number): string {
  return startedAtMs > 0 && finishedAtMs === 0
    ? duration(now - startedAtMs)
    : took(startedAtMs, finishedAtMs);
}
