import type { Resolution } from "#client/index";
import { drawTask } from "#templates/draw/task";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { readInput } from "../terminal/input.js";
import type { Io } from "../terminal/io.js";
import { document, line, stepJson, taskJson } from "../terminal/json.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { type BulkOptions, checkIds } from "./bulk-options.js";
import { wholeTaskId } from "./short-id.js";
import { stepTable } from "./step-table.js";
import type { JsonOption } from "./task.js";
import { whyWaiting } from "./waiting.js";

type Options = ConnectionOptions & JsonOption;

/** `task steps`: prints the steps of a task in topological order. */
export async function listSteps(id: string, options: Options, io: Io): Promise<ExitCode> {
  await withClient(io, options, async (client) => {
    const task = await client.tasks.get(await wholeTaskId(client, id, io));
    if (options.json) return io.stdout.write(task.steps.map((step) => line(stepJson(step))).join(""));
    await io.stdout.write(stepTable(task, io));
    const why = await whyWaiting(client, task, io);
    if (why !== undefined) await io.stderr.write(`${why}\n`);
  });
  return exit.ok;
}

/** `task signal`: sends a signal to the step that waits for it. */
export async function signalTask(
  id: string,
  name: string,
  options: Options & { readonly payload?: string; readonly reason?: string },
  io: Io,
): Promise<ExitCode> {
  const text = options.payload === undefined ? "null" : await readInput(options.payload, io, "--payload");
  const task = await withClient(io, options, async (client) =>
    client.tasks.signalJson(await wholeTaskId(client, id, io), name, text, reasonOf(options)),
  );
  await io.stdout.write(options.json ? document(taskJson(task)) : `${oneLine(task.id)} ${task.status}\n`);
  return exit.ok;
}

function reasonOf({ reason }: { readonly reason?: string }): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

export interface ResolveOptions extends ConnectionOptions, JsonOption {
  readonly retry?: boolean;
  readonly done?: boolean;
  readonly result?: string;
  readonly journalEntry?: string;
  readonly reason?: string;
}

/** `task resolve`: a step, or with `--all` the failed steps of all tasks of a filter that are held because of them. */
export async function resolve(
  id: string | undefined,
  step: string | undefined,
  options: ResolveOptions & BulkOptions,
  io: Io,
): Promise<ExitCode> {
  checkIds([id], options);
  if (id !== undefined) return resolveStep(id, step, options, io);
  if (options.journalEntry !== undefined) {
    throw new CliError(
      exit.usage,
      "--journal-entry is of one step: name its task and the step, without --all",
    );
  }
  if (options.result !== undefined || options.retry === options.done) {
    throw new CliError(exit.usage, "choose one with --all: --retry or --done");
  }
  const { bulk } = await import("./bulk.js");
  const [action, word] = options.retry ? (["reset", "--retry"] as const) : (["resolve", "--done"] as const);
  return bulk(action, `task resolve ${word}`, options, io);
}

/** `task resolve`: resolves by hand a step that failed or hangs, or without a step the whole task. */
export async function resolveStep(
  id: string,
  step: string | undefined,
  options: ResolveOptions,
  io: Io,
): Promise<ExitCode> {
  const entry = entryOf(options);
  const resolution = { ...(await resolutionOf(options, io)), ...entry, ...reasonOf(options) };
  if (step === undefined && entry.journalEntry !== undefined) {
    throw new CliError(exit.usage, "name the step whose journal has the entry");
  }
  if (step === undefined && resolution.action !== "resolve") {
    throw new CliError(exit.usage, "name the failed step; without one, --done resolves the whole task");
  }
  const task = await withClient(io, options, async (client) =>
    client.tasks.resolveStep(await wholeTaskId(client, id, io), step ?? "", resolution),
  );
  await io.stdout.write(options.json ? document(taskJson(task)) : `${oneLine(task.id)} ${task.status}\n`);
  return exit.ok;
}

function entryOf({ journalEntry }: ResolveOptions): { readonly journalEntry?: number } {
  if (journalEntry === undefined) return {};
  if (!/^[1-9]\d{0,8}$/.test(journalEntry)) {
    const way = "`task steps ID STEP` shows the entries";
    throw new CliError(
      exit.usage,
      `--journal-entry ${oneLine(journalEntry)} is no number of an entry; ${way}`,
    );
  }
  return { journalEntry: Number(journalEntry) };
}

async function resolutionOf({ retry, done, result }: ResolveOptions, io: Io): Promise<Resolution> {
  if ([retry, done, result !== undefined].filter(Boolean).length !== 1) {
    const ways =
      "--retry to run it again, --done to continue without a result, or --result JSON to continue with one";
    throw new CliError(exit.usage, `choose one: ${ways}`);
  }
  if (result !== undefined) {
    return { action: "complete", resultJson: await readInput(result, io, "--result") };
  }
  return { action: retry ? "retry" : "resolve" };
}

/** `task visualize`: prints the current state of a task as a Mermaid flowchart. */
export async function visualizeTask(id: string, options: Options, io: Io): Promise<ExitCode> {
  const task = await withClient(io, options, async (client) =>
    client.tasks.get(await wholeTaskId(client, id, io)),
  );
  const mermaid = drawTask(task);
  await io.stdout.write(
    options.json
      ? document({ id: task.id, status: task.status, state: task.state, mermaid })
      : sanitize(mermaid),
  );
  return exit.ok;
}
