import type { DeadLetter, DeadLetterFilter, DeadLetterStats } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ALL } from "../options.js";
import { failure } from "../task/explain.js";
import { wholeTaskId } from "../task/short-id.js";
import type { JsonOption } from "../task/task.js";
import { ago, colorsFor, dateText, duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, line } from "../terminal/json.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, ERROR_LEAST, table } from "../terminal/table.js";

type ListOptions = ConnectionOptions & JsonOption & DeadLetterFilter & { readonly limit: number };

/** `dlq list`: prints dead letters, the newest first. */
export async function listDeadLetters(options: ListOptions, io: Io): Promise<ExitCode> {
  const { limit, status, reason } = options;
  const filter = { ...(status !== undefined && { status }), ...(reason !== undefined && { reason }) };
  const letters: DeadLetter[] = [];
  await withClient(io, options, async ({ deadLetters }) => {
    for await (const letter of deadLetters.list(filter)) {
      letters.push(letter);
      if (letters.length >= limit) return;
    }
  });
  return shown(letters, options, "No task has needed a person", io);
}

/** `dlq queue`: prints those that are pending, the most urgent first. */
export async function showQueue(options: ListOptions, io: Io): Promise<ExitCode> {
  const { limit } = options;
  const letters = await withClient(io, options, ({ deadLetters }) => deadLetters.queue({ limit }));
  return shown(letters, options, "No dead letter is pending", io);
}

/** `dlq get`: prints all that is known of one. */
export async function getDeadLetter(
  id: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const letter = await withClient(io, options, async (client) =>
    client.deadLetters.get(await wholeTaskId(client, id, io)),
  );
  await io.stdout.write(options.json ? document(letter) : described(letter, io));
  return exit.ok;
}

/** `dlq stats`: prints how many there are, by reason. */
export async function showStats(options: ListOptions, io: Io): Promise<ExitCode> {
  const { json } = options;
  const { stats, isComplete } = await withClient(io, options, ({ deadLetters }) => deadLetters.stats());
  if (json) await io.stdout.write(document({ stats, isComplete }));
  else if (stats.length === 0) await io.stderr.write("No task has needed a person.\n");
  else await io.stdout.write(statsTable(stats, io));
  if (!isComplete) await io.stderr.write("There are more: only the newest were counted.\n");
  return exit.ok;
}

async function shown(
  letters: readonly DeadLetter[],
  { json, namespace }: JsonOption & ConnectionOptions,
  none: string,
  io: Io,
): Promise<ExitCode> {
  if (json) await io.stdout.write(letters.map(line).join(""));
  else if (letters.length === 0) await io.stderr.write(`${none}.\n`);
  else await io.stdout.write(letterTable(letters, io, namespace === ALL));
  return exit.ok;
}

/** @param withNamespace true if namespaces are wanted, however narrow the terminal */
export function letterTable(letters: readonly DeadLetter[], io: Io, withNamespace = false): string {
  const { red, yellow } = colorsFor(io.stdout, io);
  const columns: Column<DeadLetter>[] = [
    { title: "TASK", cell: ({ taskId }) => taskId },
    { title: "REASON", cell: ({ reason }) => reason, paint: (cell) => red(cell) },
    {
      title: "STATUS",
      cell: ({ status }) => status,
      paint: (cell, { status }) => (status === "PENDING" ? yellow(cell) : cell),
    },
    { title: "PRIORITY", cell: ({ priority }) => (priority > 0 ? String(priority) : "-"), optional: true },
    { title: "SINCE", cell: ({ createdAtMs }) => ago(createdAtMs, io.now()) },
    { title: "STEP", cell: ({ snapshot }) => snapshot.stepName || "-", least: 8, optional: true },
    { title: "NAMESPACE", cell: ({ namespace }) => namespace, least: 9, optional: !withNamespace },
    { title: "ERROR", cell: ({ snapshot }) => snapshot.message, least: ERROR_LEAST, optional: true },
  ];
  return table(columns, letters, layoutWidth(io.stdout));
}

function statsTable(stats: readonly DeadLetterStats[], io: Io): string {
  const columns: Column<DeadLetterStats>[] = [
    { title: "REASON", cell: ({ reason }) => reason },
    { title: "TOTAL", cell: ({ total }) => String(total) },
    { title: "PENDING", cell: ({ pending }) => String(pending) },
    { title: "RESOLVED", cell: ({ manuallyResolved }) => String(manuallyResolved) },
    { title: "FAILED", cell: ({ permanentlyFailed }) => String(permanentlyFailed) },
    { title: "CANCELLED", cell: ({ cancelled }) => String(cancelled), optional: true },
    { title: "MOVED ON", cell: ({ movedOn }) => String(movedOn), optional: true },
    { title: "OLDEST", cell: ({ oldestAtMs }) => ago(oldestAtMs, io.now()), optional: true },
    {
      title: "MEAN TIME",
      cell: ({ meanResolutionMs }) => (meanResolutionMs > 0 ? duration(meanResolutionMs) : "-"),
      optional: true,
    },
  ];
  return table(columns, stats, layoutWidth(io.stdout));
}

/** For people: the letter, where it began, what was written, and what can be done. */
export function described(letter: DeadLetter, io: Io): string {
  const { snapshot, causes, notes, earlier, redrivenAs, resolvedBy, closedAtMs } = letter;
  const { stepName, attempts, maxAttempts, losses, maxLosses, workerId } = snapshot;
  const facts = [
    stepName === "" ? "" : `step         ${stepName}, agent ${snapshot.agent || "none"}`,
    attempts + losses === 0 ? "" : `attempts     ${attempts} of ${maxAttempts}`,
    losses === 0 ? "" : `lost runs    ${losses}, of ${maxLosses} that may be`,
    workerId === "" ? "" : `last worker  ${workerId}`,
    `made         ${dateText(letter.createdAtMs)}`,
    closedAtMs === 0 ? "" : `closed       ${dateText(closedAtMs)}${resolvedBy && `, by ${resolvedBy}`}`,
    redrivenAs === "" ? "" : `done again   as task ${redrivenAs}`,
    ...earlier.map(
      ({ reason, status, createdAtMs }) => `before       ${reason} ${status}, ${dateText(createdAtMs)}`,
    ),
  ].filter((text) => text !== "");
  return [
    letterTable([letter], io),
    facts.map((text) => `${oneLine(text)}\n`).join(""),
    causes.length === 0 ? "" : `because\n${causes.map((cause, depth) => failure(cause, depth)).join("")}`,
    notes === "" ? "" : `notes\n${indented(notes)}`,
    letter.status === "PENDING" ? wayOut(letter, io) : "",
  ]
    .filter((section) => section !== "")
    .join("\n");
}

function indented(text: string): string {
  return sanitize(text)
    .split("\n")
    .map((each) => `  ${each}\n`)
    .join("");
}

function wayOut({ taskId, reason }: DeadLetter, { self }: Pick<Io, "self">): string {
  const isLive = reason === "HELD" || reason === "STALE";
  const first = isLive ? `${self} task explain ${taskId}` : `${self} dlq redrive ${taskId}`;
  return `what can be done\n${[first, `${self} dlq update ${taskId} --status PERMANENTLY_FAILED --notes TEXT`]
    .map((command) => `  ${oneLine(command)}\n`)
    .join("")}`;
}
