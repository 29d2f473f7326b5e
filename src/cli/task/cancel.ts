import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { eachTask, refusedCode } from "./each-task.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";

export interface CancelOptions extends ConnectionOptions, JsonOption {
  readonly reason?: string;
}

/**
 * `task cancel`: cancels every Task that is named, in order. The exit code is that of the first refusal.
 */
export async function cancelTasks(ids: readonly string[], options: CancelOptions, io: Io): Promise<ExitCode> {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return cancelOne(only, options, io);

  const { reason } = options;
  const outcomes = await eachTask(
    ids,
    options,
    { atOnce: 1, act: (client, id) => client.tasks.cancel(id, reason) },
    io,
  );
  return refusedCode(outcomes) ?? exit.ok;
}

async function cancelOne(given: string, options: CancelOptions, io: Io): Promise<ExitCode> {
  const task = await withClient(io, options, async (client) =>
    client.tasks.cancel(await wholeTaskId(client, given, io), options.reason),
  );
  await io.stdout.write(options.json ? document(taskJson(task)) : `${oneLine(task.id)} ${task.status}\n`);
  return exit.ok;
}
