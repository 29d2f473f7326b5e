import { type Task, type TaskRunClient, TaskRunError } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { fromServer } from "../refusal.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";

export interface CancelOptions extends ConnectionOptions, JsonOption {
  readonly reason?: string;
}

/** What became of one id. */
type Cancelled = { readonly id: string } & ({ readonly task: Task } | { readonly refused: CliError });

/**
 * `task cancel`: cancels every Task that is named, in order. One that is refused does not keep the others from it; the
 * exit code is that of the first refusal. A server that cannot be reached ends the command.
 */
export async function cancelTasks(ids: readonly string[], options: CancelOptions, io: Io): Promise<ExitCode> {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return cancelOne(only, options, io);

  const done: Cancelled[] = [];
  const seen = new Set<string>();
  try {
    await withClient(io, options, async (client) => {
      for (const given of ids) {
        const one = await cancelled(client, given, seen, options, io);
        if (one === undefined) continue;
        done.push(one);
        if (!options.json) await tell(one, io);
      }
    });
  } finally {
    if (options.json) await io.stdout.write(document(done.map(inJson)));
  }
  return done.flatMap((one) => ("refused" in one ? [one.refused.code] : []))[0] ?? exit.ok;
}

async function cancelOne(given: string, options: CancelOptions, io: Io): Promise<ExitCode> {
  const task = await withClient(io, options, async (client) =>
    client.tasks.cancel(await wholeTaskId(client, given, io), options.reason),
  );
  await io.stdout.write(options.json ? document(taskJson(task)) : `${oneLine(task.id)} ${task.status}\n`);
  return exit.ok;
}

/** Cancels a Task, unless it was named before. @throws what makes further calls useless */
async function cancelled(
  client: TaskRunClient,
  given: string,
  seen: Set<string>,
  options: CancelOptions,
  io: Io,
): Promise<Cancelled | undefined> {
  try {
    const id = await wholeTaskId(client, given, io);
    if (seen.has(id)) return undefined;
    seen.add(id);
    return { id, task: await client.tasks.cancel(id, options.reason) };
  } catch (thrown) {
    const refused = thrown instanceof TaskRunError ? fromServer(thrown, options.addr ?? "", io.self) : thrown;
    if (!(refused instanceof CliError) || refused.code === exit.unreachable) throw thrown;
    return { id: given, refused };
  }
}

async function tell(one: Cancelled, io: Io): Promise<void> {
  if ("task" in one) return io.stdout.write(`${oneLine(one.task.id)} ${one.task.status}\n`);
  const { message, next } = one.refused;
  const about = message.includes(one.id) ? message : `${one.id}: ${message}`;
  await io.stderr.write(`taskrun: ${[about, ...next.map((line) => `  ${line}`)].map(oneLine).join("\n")}\n`);
}

function inJson(one: Cancelled): object {
  if ("task" in one) return taskJson(one.task);
  const { message, cause } = one.refused;
  const own = { code: one.refused.code === exit.notFound ? "NOT_FOUND" : "INVALID_ARGUMENT", reason: "" };
  const { code, reason } = cause instanceof TaskRunError ? cause : own;
  return { id: one.id, error: { code, reason, message } };
}
