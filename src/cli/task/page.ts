import type { Run, Task } from "#client/index";
import { limits } from "#limits/index";
import { nameOf } from "../template/name.js";
import { ago, colorsFor, dateText, duration, labelText, paintStatus, took } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, ERROR_LEAST, table, truncate } from "../terminal/table.js";
import { usageText } from "../usage/format.js";
import { shownResult } from "./result.js";
import { shortIds } from "./short-id.js";
import { isGraph, stepTable } from "./step-table.js";

/** Formats a task for people: facts, steps, runs, result. */
export function describeTask(task: Task, io: Io): string {
  const facts = factsOf(task, io).filter(([, value]) => value !== "");
  const named = Math.max(...facts.map(([name]) => name.length));
  const colors = colorsFor(io.stdout, io);
  const paint = (text: string) => text.replace(task.status, (status) => paintStatus(colors, status));
  const shown = (name: string, value: string) => (name === "status" ? paint(value) : oneLine(value));
  const sections = [
    facts.map(([name, value]) => `${name.padEnd(named)}  ${shown(name, value)}\n`).join(""),
    isGraph(task) ? stepTable(task, io) : "",
    task.runs.length > 0 ? runTable(task, io) : "",
    ...errorDetails(task),
    task.outputJson === "" ? "" : `result\n${shownResult(task.outputJson)}\n`,
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function factsOf(task: Task, io: Io): readonly (readonly [name: string, value: string])[] {
  const now = io.now();
  const by = task.createdBy === "" ? "" : ` by ${task.createdBy}`;
  const template = task.template;

  return [
    ["task", task.id],
    ["agent", task.agent],
    ["template", template ? nameOf(template) : ""],
    ["namespace", task.namespace],
    ["status", `${task.status} (${task.state})`],
    ["waits for", task.waitingReason],
    ["error", task.errorMessage],
    ["created", `${dateText(task.createdAtMs)} (${ago(task.createdAtMs, now)})${by}`],
    lasting(task, now),
    ["starts at", task.startAtMs === 0 ? "" : dateText(task.startAtMs)],
    ["priority", task.priority === 0 ? "" : String(task.priority)],
    ["labels", Object.keys(task.labels).length === 0 ? "" : labelText(task.labels)],
    ["selector", Object.keys(task.workerSelector).length === 0 ? "" : labelText(task.workerSelector)],
    ["retry of", task.retryOf],
    ["forked from", task.forkedFrom],
    ["step of", task.parentTaskId === "" ? "" : `${task.parentTaskId} (${task.parentStepName})`],
    ["compensates", task.compensates],
    ["compensated by", task.compensatedBy],
    ["used", usageText(task.usage)],
    ["input", truncate(oneLine(task.inputJson), limits.shownInputChars)],
  ];
}

/** Of each step the newest stack, or whatever else its worker reported beside the error. Each line is indented. */
function errorDetails({ runs }: Task): string[] {
  const newest = new Map(
    runs.filter(({ errorDetail }) => errorDetail !== "").map((run) => [run.stepName, run]),
  );
  return [...newest.values()].map(({ stepName, attempt, errorDetail }) => {
    const lines = sanitize(errorDetail).trimEnd().split("\n");
    const shown = lines.slice(0, limits.shownDetailLines);
    const rest = lines.length - shown.length;
    const all = rest > 0 ? [...shown, `… and ${rest} more lines, with --json`] : shown;
    return `error of ${oneLine(stepName)}, attempt ${attempt}\n${all.map((line) => `  ${line}\n`).join("")}`;
  });
}

/** How long the task took, or for how long it has been waiting or running. */
function lasting({ status, createdAtMs, finishedAtMs, runs }: Task, now: number): [string, string] {
  if (finishedAtMs > 0) return ["took", took(createdAtMs, finishedAtMs)];
  if (status === "PENDING") return ["waiting for", duration(now - createdAtMs)];
  const begunAtMs = runs.map(({ startedAtMs }) => startedAtMs).find((startedAtMs) => startedAtMs > 0);
  return ["running for", duration(now - (begunAtMs ?? createdAtMs))];
}

function runTable(task: Task, io: Io): string {
  const colors = colorsFor(io.stdout, io);
  const short = shortIds(task.runs.map(({ id }) => id));
  const columns: Column<Run>[] = [
    { title: "RUN", cell: ({ id }) => id, short: ({ id }) => short.get(id) ?? id, optional: true },
    { title: "STEP", cell: ({ stepName }) => stepName, least: 12 },
    { title: "ATTEMPT", cell: ({ attempt }) => String(attempt) },
    { title: "WORKER", cell: ({ workerId }) => workerId || "-", least: 12, optional: true },
    { title: "STATUS", cell: ({ status }) => status, paint: (status) => paintStatus(colors, status) },
    {
      title: "TOOK",
      cell: ({ startedAtMs, finishedAtMs }) => took(startedAtMs, finishedAtMs),
      optional: true,
    },
    {
      title: "WHY",
      cell: ({ reason, errorMessage }) => [reason, errorMessage].filter(Boolean).join(": "),
      least: ERROR_LEAST,
    },
  ];
  return table(columns, task.runs, layoutWidth(io.stdout));
}
