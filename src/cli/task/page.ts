import type { Run, Task } from "#client/index";
import { indented } from "#domain/json/layout";
import { limits } from "#limits/index";
import { nameOf } from "../template/name.js";
import { ago, colorsFor, duration, labelText, paintStatus, took } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { type Column, table, truncate } from "../terminal/table.js";
import { isGraph, stepTable } from "./step-table.js";

/** Formats a task for people: facts, steps, runs, result. */
export function describeTask(task: Task, io: Io): string {
  const facts = factsOf(task, io).filter(([, value]) => value !== "");
  const named = Math.max(...facts.map(([name]) => name.length));
  const sections = [
    facts.map(([name, value]) => `${name.padEnd(named)}  ${value}\n`).join(""),
    isGraph(task) ? stepTable(task, io) : "",
    task.runs.length > 0 ? runTable(task, io) : "",
    task.outputJson === "" ? "" : `result\n${sanitize(pretty(task.outputJson))}\n`,
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function factsOf(task: Task, io: Io): [string, string][] {
  const now = io.now();
  const colors = colorsFor(io.stdout, io);
  const by = task.createdBy === "" ? "" : ` by ${oneLine(task.createdBy)}`;
  const template = task.template;

  return [
    ["task", task.id],
    ["agent", oneLine(task.agent)],
    ["template", template ? oneLine(nameOf(template)) : ""],
    ["namespace", task.namespace],
    ["status", `${paintStatus(colors, task.status)} (${task.state})`],
    ["error", oneLine(task.errorMessage)],
    ["created", `${new Date(task.createdAtMs).toISOString()} (${ago(task.createdAtMs, now)})${by}`],
    lasting(task, now),
    ["starts at", task.startAtMs === 0 ? "" : new Date(task.startAtMs).toISOString()],
    ["priority", task.priority === 0 ? "" : String(task.priority)],
    ["labels", Object.keys(task.labels).length === 0 ? "" : oneLine(labelText(task.labels))],
    [
      "selector",
      Object.keys(task.workerSelector).length === 0 ? "" : oneLine(labelText(task.workerSelector)),
    ],
    ["retry of", task.retryOf],
    ["step of", task.parentTaskId === "" ? "" : `${task.parentTaskId} (${oneLine(task.parentStepName)})`],
    ["compensates", task.compensates],
    ["compensated by", task.compensatedBy],
    ["input", truncate(oneLine(task.inputJson), limits.shownInputChars)],
  ];
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
  const columns: Column<Run>[] = [
    { title: "RUN", cell: ({ id }) => id },
    { title: "STEP", cell: ({ stepName }) => stepName },
    { title: "ATTEMPT", cell: ({ attempt }) => String(attempt) },
    { title: "WORKER", cell: ({ workerId }) => workerId || "-" },
    { title: "STATUS", cell: ({ status }) => status, paint: (status) => paintStatus(colors, status) },
    { title: "TOOK", cell: ({ startedAtMs, finishedAtMs }) => took(startedAtMs, finishedAtMs) },
    { title: "WHY", cell: ({ reason, errorMessage }) => [reason, errorMessage].filter(Boolean).join(": ") },
  ];
  return table(columns, task.runs, io.stdout.columns);
}

function pretty(json: string): string {
  return indented(json);
}
