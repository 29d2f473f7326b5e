import type { Step, Task } from "#client/index";
import { limits } from "#limits/index";
import { type Colors, colorsFor, duration, paintState, took } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, ERROR_LEAST, table } from "../terminal/table.js";

/** True if a task has more than a single standard step. */
export function isGraph({ steps }: Pick<Task, "steps">): boolean {
  return steps.length > 1 || steps.some(({ type }) => type !== "" && type !== "standard");
}

/** Formats the steps of a task as a table; `STARTED` counts from the task's creation. */
export function stepTable(task: Pick<Task, "steps" | "createdAtMs">, io: Io): string {
  return table(columnsFor(task, io.now(), colorsFor(io.stdout, io)), task.steps, layoutWidth(io.stdout));
}

function columnsFor({ createdAtMs }: Pick<Task, "createdAtMs">, now: number, colors: Colors): Column<Step>[] {
  return [
    { title: "STEP", cell: ({ name }) => name, least: 12 },
    { title: "TYPE", cell: ({ type }) => type || "-", optional: true },
    {
      title: "STATE",
      cell: ({ state }) => state,
      paint: (text, { state }) => paintState(colors, state, text),
    },
    { title: "ATTEMPTS", cell: attemptsOf },
    { title: "AGENT", cell: ({ agent }) => agent || "-", least: 8, optional: true },
    { title: "AFTER", cell: ({ dependsOn }) => namesOf(dependsOn), least: 8, optional: true },
    {
      title: "STARTED",
      cell: ({ startedAtMs }) => (startedAtMs === 0 ? "-" : `+${duration(startedAtMs - createdAtMs)}`),
      optional: true,
    },
    { title: "TOOK", cell: (step) => lastedSoFar(step, now), optional: true },
    { title: "ERROR", cell: ({ errorMessage }) => errorMessage, least: ERROR_LEAST },
  ];
}

/** Steps without an agent have no attempts. */
function attemptsOf(step: Step): string {
  return step.agent === "" && step.attempts <= 1 ? "-" : triesOf(step);
}

/** Formats the attempts of a step, and the runs it has lost, which cost none. */
export function triesOf({ attempts, maxAttempts, losses }: Step): string {
  return `${attempts}/${maxAttempts}${losses > 0 ? `, ${losses} lost` : ""}`;
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
