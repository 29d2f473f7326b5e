import { type Task, type TaskRunClient, TaskRunError } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { fromServer } from "../refusal.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";

/** What became of one id. */
export type Outcome = { readonly id: string } & ({ readonly task: Task } | { readonly refused: CliError });

export interface EachTask {
  /** Ids that are dealt with at a time. */
  readonly atOnce: number;
  /** Deals with one Task; undefined if it was stopped before it came to anything. */
  readonly act: (client: TaskRunClient, id: string) => Promise<Task | undefined>;
}

/**
 * Does the same with every Task that is named, once with each, and tells of each: a line, or with `--json` one array in
 * the order of the ids. One that is refused does not keep the others from it; a server that cannot be reached ends the
 * command.
 *
 * @returns what became of them, in the order of the ids
 */
export async function eachTask(
  ids: readonly string[],
  options: ConnectionOptions & JsonOption,
  { atOnce, act }: EachTask,
  io: Io,
): Promise<readonly Outcome[]> {
  const done: (Outcome | undefined)[] = ids.map(() => undefined);
  const outcomes = () => done.filter((one) => one !== undefined);
  const seen = new Set<string>();
  const open = ids.entries();
  try {
    await withClient(io, options, async (client) => {
      const work = async () => {
        for (const [place, given] of open) {
          const one = await outcomeOf(given, seen, (id) => act(client, id), client, options, io);
          if (one === undefined) continue;
          done[place] = one;
          if (!options.json) await tell(one, io);
        }
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, ids.length) }, work));
    });
  } finally {
    if (options.json) await io.stdout.write(document(outcomes().map(inJson)));
  }
  return outcomes();
}

/** The exit code of the first that was refused; undefined if none was. */
export function refusedCode(outcomes: readonly Outcome[]): ExitCode | undefined {
  return outcomes.flatMap((one) => ("refused" in one ? [one.refused.code] : []))[0];
}

/** Undefined if the Task was named before, or if it came to nothing. @throws what makes further calls useless */
async function outcomeOf(
  given: string,
  seen: Set<string>,
  act: (id: string) => Promise<Task | undefined>,
  client: TaskRunClient,
  { addr = "" }: ConnectionOptions,
  io: Io,
): Promise<Outcome | undefined> {
  try {
    const id = await wholeTaskId(client, given, io);
    if (seen.has(id)) return undefined;
    seen.add(id);
    const task = await act(id);
    return task && { id, task };
  } catch (thrown) {
    const refused = thrown instanceof TaskRunError ? fromServer(thrown, addr, io.self) : thrown;
    if (!(refused instanceof CliError) || refused.code === exit.unreachable) throw thrown;
    return { id: given, refused };
  }
}

async function tell(one: Outcome, io: Io): Promise<void> {
  if ("task" in one) return io.stdout.write(`${oneLine(one.task.id)} ${one.task.status}\n`);
  const { message, next } = one.refused;
  const about = message.includes(one.id) ? message : `${one.id}: ${message}`;
  await io.stderr.write(`taskrun: ${[about, ...next.map((line) => `  ${line}`)].map(oneLine).join("\n")}\n`);
}

function inJson(one: Outcome): object {
  if ("task" in one) return taskJson(one.task);
  const { message, cause } = one.refused;
  const own = { code: one.refused.code === exit.notFound ? "NOT_FOUND" : "INVALID_ARGUMENT", reason: "" };
  const { code, reason } = cause instanceof TaskRunError ? cause : own;
  return { id: one.id, error: { code, reason, message } };
}
