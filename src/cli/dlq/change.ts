import type { DeadLetterUpdate } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { wholeTaskId } from "../task/short-id.js";
import type { JsonOption } from "../task/task.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { letterTable } from "./read.js";

/** `dlq update`: writes down what became of a dead letter. */
export async function updateDeadLetter(
  id: string,
  options: ConnectionOptions & JsonOption & DeadLetterUpdate,
  io: Io,
): Promise<ExitCode> {
  const { status, notes, json } = options;
  if (status === undefined && notes === undefined) {
    throw new CliError(exit.usage, "there is nothing to write down: give --status, --notes, or both");
  }
  const update = { ...(status !== undefined && { status }), ...(notes !== undefined && { notes }) };
  const letter = await withClient(io, options, async (client) =>
    client.deadLetters.update(await wholeTaskId(client, id, io), update),
  );
  await io.stdout.write(json ? document(letter) : letterTable([letter], io));
  return exit.ok;
}

/** `dlq redrive`: does the work of a failed task again, and prints the id of the task that does. */
export async function redriveDeadLetter(
  id: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const task = await withClient(io, options, async (client) =>
    client.deadLetters.redrive(await wholeTaskId(client, id, io)),
  );
  await io.stdout.write(options.json ? document(taskJson(task)) : `${oneLine(task.id)}\n`);
  return exit.ok;
}
