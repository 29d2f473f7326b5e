import type { Task, TaskRunClient } from "#client/index";
import type { StatelyEvent } from "#inspect/protocol";
import { fromStately } from "#inspect/view/event";
import { Timeline } from "#inspect/view/timeline";
import { type ConnectionOptions, target, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { wholeTaskId } from "../task/short-id.js";
import type { Io } from "../terminal/io.js";
import { canRedraw } from "../terminal/size.js";
import { eventLine } from "./lines.js";
import { logEvents } from "./log-events.js";

interface InspectOptions extends ConnectionOptions {
  readonly web?: boolean;
  readonly http?: string;
  readonly json?: boolean;
}

/**
 * `taskrun inspect`: a Task's machines, from its log. On a terminal step by step; into a pipe a line for each event, until
 * the Task has ended.
 */
export async function inspectTask(given: string, options: InspectOptions, io: Io): Promise<ExitCode> {
  return withClient(io, options, async (client) => {
    const task = await client.tasks.get(await wholeTaskId(client, given, io));
    if (options.web) {
      await io.stdout.write(`${await pageOf(task, options, io)}\n`);
      return exit.ok;
    }
    const interrupted = new AbortController();
    const unhear = io.onSignal(() => interrupted.abort());
    try {
      return await showTask(client, task, options, interrupted, io);
    } finally {
      unhear();
    }
  });
}

async function showTask(
  client: TaskRunClient,
  task: Task,
  { json }: InspectOptions,
  interrupted: AbortController,
  io: Io,
): Promise<ExitCode> {
  const events = logEvents(client, task, interrupted.signal);
  const canShow = !json && io.onKey !== undefined && canRedraw(io.stdout) && io.env.TERM !== "dumb";
  if (canShow) {
    const { Screen } = await import("./screen.js");
    return new Screen(task, io).run(events, interrupted);
  }
  await printEvents(events, json === true, io);
  return interrupted.signal.aborted ? exit.interrupted : exit.ok;
}

/** Prints each event on a line: as JSON, or for people. */
async function printEvents(events: AsyncIterable<StatelyEvent>, json: boolean, io: Io): Promise<void> {
  const timeline = new Timeline();
  for await (const event of events) {
    if (json) {
      await io.stdout.write(`${JSON.stringify(event)}\n`);
      continue;
    }
    const read = fromStately(event);
    const before = timeline.rows.at(-1);
    if (read) timeline.add(read);
    const row = timeline.rows.at(-1);
    if (row && row !== before) await io.stdout.write(`${eventLine(row)}\n`);
  }
}

/** The address of the page that shows the Task. */
async function pageOf(task: Task, options: InspectOptions, io: Io): Promise<string> {
  const { addr, ca, caPin } = await target(io, options);
  const scheme = ca || caPin || /^https:/i.test(addr) ? "https" : "http";
  const [first = ""] = addr.split(",");
  const http = options.http ?? `${first.trim().replace(/:\d+$/, "")}:${HTTP_PORT}`;
  const url = `${scheme}://${http.replace(/^https?:\/\//, "").replace(/\/+$/, "")}/inspect?task=${encodeURIComponent(task.id)}`;
  if (!URL.canParse(url)) throw new CliError(exit.usage, `--http is "${http}": write HOST:PORT.`);
  return url;
}

/** Where a server serves HTTP if its settings do not say otherwise. */
const HTTP_PORT = 8080;
