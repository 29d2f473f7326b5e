import type { Budget } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";

export interface TopUpCommandOptions extends ConnectionOptions, JsonOption {
  readonly tokens?: number;
  /** Millionths of a dollar. */
  readonly usd?: number;
  readonly toolCalls?: number;
  /** Milliseconds. */
  readonly wall?: number;
  readonly reason?: string;
  readonly requestId?: string;
}

/** `task topup`: adds to the bounds of a task's budget, so that it goes on. */
export async function topUpTask(id: string, options: TopUpCommandOptions, io: Io): Promise<ExitCode> {
  const { tokens, usd: usdMicros, toolCalls, wall: wallMs, reason, requestId } = options;
  const add: Budget = {
    ...(tokens !== undefined && { tokens }),
    ...(usdMicros !== undefined && { usdMicros }),
    ...(toolCalls !== undefined && { toolCalls }),
    ...(wallMs !== undefined && { wallMs }),
  };
  if (Object.keys(add).length === 0) {
    throw new CliError(exit.usage, "say what to add: --tokens N, --usd D, --tool-calls N or --wall DURATION");
  }
  const control = { ...(reason !== undefined && { reason }), ...(requestId !== undefined && { requestId }) };
  const task = await withClient(io, options, async (client) =>
    client.tasks.topUp(await wholeTaskId(client, id, io), add, control),
  );
  await io.stdout.write(options.json ? document(taskJson(task)) : `${oneLine(task.id)} ${task.status}\n`);
  return exit.ok;
}
