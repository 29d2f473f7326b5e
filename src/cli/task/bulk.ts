import { randomUUID } from "node:crypto";
import type { BulkBatch, BulkRequest, TaskRunClient } from "#client/index";
import { shellWord } from "#domain/text/shell-word";
import { withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { document } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import type { BulkOptions } from "./bulk-options.js";
import { filterOf } from "./filter-options.js";

type Action = BulkRequest["action"];
type Refusals = Map<string, { message: string; count: number; readonly taskIds: string[] }>;

/** What has come of all batches so far. */
interface Total {
  matched: number;
  done: number;
  already: number;
  readonly refusals: Refusals;
}

/** What is said of an action, before and after. */
const words: Readonly<Record<Action, readonly [will: string, done: string]>> = {
  cancel: ["would be cancelled", "cancelled"],
  retry: ["would be retried, as new tasks", "retried"],
  fork: ["would be forked from what failed, as new tasks", "forked"],
  reset: ["would have their failed steps run again", "reset"],
  resolve: ["would have their failed steps counted as done", "resolved"],
};

/**
 * `task cancel --all` and others like it: counts, asks, and does it batch by batch. Interrupted, it prints the command that
 * goes on from there.
 *
 * @param command the words that stand for the action
 */
export async function bulk(action: Action, command: string, options: BulkOptions, io: Io): Promise<ExitCode> {
  return withClient(io, options, async (client) => {
    const filter = await filterOf(options, client, io);
    const { reason } = options;
    const request = { action, filter, ...(reason !== undefined && { reason }) };
    const isResumed = options.bulkId !== undefined;
    if (!isResumed || options.dryRun) {
      const would = await total(client, { ...request, dryRun: true }, io);
      if (options.dryRun) return show(would, `${would.done} tasks ${words[action][0]}`, options, io);
      if (would.done === 0) return show(would, "there is nothing to do", options, io);
      await confirm(`${would.done} tasks ${words[action][0]}`, options, io);
    }
    const bulkId = options.bulkId ?? randomUUID();
    const resume = (token: string) => resumption(command, options, { bulkId, token }, filter, io);
    return run(client, { ...request, bulkId }, { action, options, resume }, io);
  });
}

async function confirm(what: string, { yes }: BulkOptions, io: Io): Promise<void> {
  if (yes) return io.stderr.write(`${what}.\n`);
  const { onKey } = io;
  if (!onKey || !io.stderr.isTTY) {
    throw new CliError(exit.usage, what, ["Add --yes to do it, or --dry-run to look only."]);
  }
  await io.stderr.write(`${what}. Go on? [y/N] `);
  const key = await new Promise<string>((resolve) => {
    const release = onKey((pressed) => {
      release();
      resolve(pressed);
    });
  });
  await io.stderr.write("\n");
  if (key !== "y" && key !== "Y") throw new CliError(exit.interrupted, "nothing was done");
}

interface Running {
  readonly action: Action;
  readonly options: BulkOptions;
  /** The command that goes on after a token. */
  resume(token: string): string;
}

async function run(
  client: TaskRunClient,
  request: BulkRequest,
  { action, options, resume }: Running,
  io: Io,
): Promise<ExitCode> {
  const sum: Total = { matched: 0, done: 0, already: 0, refusals: new Map() };
  let isStopped = false;
  const unhear = io.onSignal(() => {
    isStopped = true;
  });
  let pageToken = options.after ?? "";
  try {
    do {
      const batch = await client.tasks.bulk({ ...request, pageToken });
      add(sum, batch);
      pageToken = batch.nextPageToken;
      if (io.stderr.isTTY) await io.stderr.write(`\r${sum.done} tasks ${words[action][1]}`);
    } while (pageToken !== "" && !isStopped);
    if (io.stderr.isTTY) await io.stderr.write("\r");
  } catch (error) {
    await io.stderr.write(`\n${sum.done} tasks ${words[action][1]}. Go on with\n  ${resume(pageToken)}\n`);
    throw error;
  } finally {
    unhear();
  }
  if (pageToken !== "") {
    await io.stderr.write(`\n${sum.done} tasks ${words[action][1]}. Go on with\n  ${resume(pageToken)}\n`);
    return exit.interrupted;
  }
  const before = sum.already > 0 ? `, ${sum.already} before` : "";
  return show(sum, `${sum.done} tasks ${words[action][1]}${before}`, options, io);
}

async function total(client: TaskRunClient, request: BulkRequest, io: Io): Promise<Total> {
  const sum: Total = { matched: 0, done: 0, already: 0, refusals: new Map() };
  let isStopped = false;
  const unhear = io.onSignal(() => {
    isStopped = true;
  });
  let pageToken = "";
  try {
    do {
      const batch = await client.tasks.bulk({ ...request, pageToken });
      add(sum, batch);
      pageToken = batch.nextPageToken;
    } while (pageToken !== "" && !isStopped);
  } finally {
    unhear();
  }
  if (isStopped) throw new CliError(exit.interrupted, "nothing was done");
  return sum;
}

function add(sum: Total, { matched, done, already, refusals }: BulkBatch): void {
  sum.matched += matched;
  sum.done += done;
  sum.already += already;
  for (const { reason, message, count, taskIds } of refusals) {
    const known = sum.refusals.get(reason) ?? { message, count: 0, taskIds: [] };
    known.count += count;
    known.taskIds.push(...taskIds.slice(0, SHOWN_IDS - known.taskIds.length));
    sum.refusals.set(reason, known);
  }
}

/** Tasks that are named for one reason. */
const SHOWN_IDS = 3;

async function show(sum: Total, line: string, { json }: BulkOptions, io: Io): Promise<ExitCode> {
  const refusals = [...sum.refusals].map(([reason, refusal]) => ({ reason, ...refusal }));
  if (json) {
    await io.stdout.write(document({ ...sum, refusals }));
    return exit.ok;
  }
  await io.stdout.write(`${line}\n`);
  for (const { reason, message, count, taskIds } of refusals) {
    const ids = count > taskIds.length ? `${taskIds.join(" ")} …` : taskIds.join(" ");
    await io.stderr.write(`${oneLine(`not with ${count}: ${reason}: ${message} (${ids})`)}\n`);
  }
  return exit.ok;
}

/** Filters by instants, since ages are others a moment later. */
function resumption(
  command: string,
  options: BulkOptions,
  { bulkId, token }: { readonly bulkId: string; readonly token: string },
  filter: NonNullable<BulkRequest["filter"]>,
  { self }: Io,
): string {
  const { status, state = [], agent, template, label = {}, parent, correlation, creator, waiting } = options;
  const { reason, namespace, addr } = options;
  const given: readonly (readonly [string, string | undefined])[] = [
    ["--status", status],
    ...state.map((each) => ["--state", each] as const),
    ["--agent", agent],
    ["--template", template],
    ...Object.entries(label).map(([name, value]) => ["--label", `${name}=${value}`] as const),
    ["--parent", parent],
    ["--correlation", correlation],
    ["--creator", creator],
    ["--since", instant(filter.createdAfterMs)],
    ["--before", instant(filter.createdBeforeMs)],
    ["--waiting", waiting === true ? "ANY" : waiting],
    ["--reason", reason],
    ["--namespace", namespace],
    ["--addr", addr],
    ["--bulk-id", bulkId],
    ["--after", token === "" ? undefined : token],
  ];
  const typed = given.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${word(value)}`]));
  return `${self} ${command} --all ${typed.join(" ")}`;
}

function instant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function word(text: string): string {
  return /^[\w.:/@=-]+$/.test(text) ? text : shellWord(text);
}
