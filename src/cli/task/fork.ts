import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { readInput } from "../terminal/input.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { follow } from "./follow.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";
import { tellWarnings } from "./warnings.js";

export interface ForkTaskOptions extends ConnectionOptions, JsonOption {
  readonly from?: string;
  readonly input?: string;
  readonly idempotencyKey?: string;
  readonly reason?: string;
  readonly watch?: boolean;
}

/** The word for what failed, which the server takes for an empty name. */
const FAILED = "failed";

/** `task fork`: creates a new task that begins with the results of an ended one. */
export async function forkTask(id: string, options: ForkTaskOptions, io: Io): Promise<ExitCode> {
  const { from = FAILED, input, idempotencyKey, reason, watch, json } = options;
  const inputJson = input === undefined ? undefined : await readInput(input, io, "--input");
  return withClient(io, options, async (client) => {
    const old = await wholeTaskId(client, id, io);
    const task = await client.tasks.fork(old, {
      ...(from !== FAILED && { from }),
      ...(inputJson !== undefined && { inputJson }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(reason !== undefined && { reason }),
    });
    if (!json) await tellWarnings(task, io);
    if (watch) {
      if (!json) await io.stderr.write(`task ${oneLine(task.id)} created as a fork of ${oneLine(old)}\n`);
      return follow(client, task, { json: json === true }, io);
    }
    await io.stdout.write(json ? document(taskJson(task)) : `${oneLine(task.id)}\n`);
    return exit.ok;
  });
}
