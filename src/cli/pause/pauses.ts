import type { Pause, PauseScope, TaskRunClient } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { JsonOption } from "../task/task.js";
import { dateText, duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { table } from "../terminal/table.js";
import { nameOf, pauseColumns } from "./pause-table.js";

/** A scope as it stands on the command line. */
export interface ScopeWords {
  readonly kind: PauseScope["kind"];
  /** Empty for the plane. */
  readonly name: string;
}

export interface PauseCommandOptions extends ConnectionOptions, JsonOption {
  readonly principal?: string;
  readonly reason?: string;
  /** Unix milliseconds. */
  readonly until?: number;
  readonly wait?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** `pause` and `drain`: pauses a scope, and with `wait` returns when workers hold nothing of it any more. */
export async function pauseScope(words: ScopeWords, options: PauseCommandOptions, io: Io): Promise<ExitCode> {
  const { reason, until, wait, json } = options;
  const scope = scopeOf(words, options);
  const terms = {
    ...(reason !== undefined && { reason }),
    ...(until !== undefined && { untilMs: until }),
  };
  return withClient(io, options, async (client) => {
    const pause = await client.pauses.pause(scope, terms);
    if (json && !wait) await io.stdout.write(document(pause));
    if (!json) await io.stdout.write(`paused ${told(pause)}\n`);
    const heldRuns = wait ? await drained(client, scope, options, io) : undefined;
    if (json && wait) await io.stdout.write(document({ ...pause, heldRuns }));
    return heldRuns === undefined || heldRuns === 0 ? exit.ok : exit.failed;
  });
}

/**
 * Waits until workers hold nothing of the scope.
 *
 * @returns how many Runs they still hold: none, unless the time is up, or the pause has ended before
 */
async function drained(
  client: TaskRunClient,
  scope: PauseScope,
  { timeout, json }: PauseCommandOptions,
  io: Io,
): Promise<number> {
  let waited = 0;
  const note = (text: string) => (json ? Promise.resolve() : io.stderr.write(`${text}\n`));
  let told = -1;
  for (;;) {
    const { pause, heldRuns } = await client.pauses.get(scope);
    if (heldRuns === 0) {
      await note("workers hold nothing of it");
      return 0;
    }
    if (heldRuns !== told) await note(`workers hold ${heldRuns} ${heldRuns === 1 ? "run" : "runs"} of it`);
    told = heldRuns;
    if (!pause) {
      await note("it is not paused any more");
      return heldRuns;
    }
    if (timeout !== undefined && waited >= timeout) {
      await note(`after ${duration(timeout)} it is not drained; it stays paused`);
      return heldRuns;
    }
    await new Promise<void>((resolve) => void io.after(limits.drainLook, resolve));
    waited += limits.drainLook;
  }
}

/** `resume`: ends the pause of a scope. */
export async function resumeScope(
  words: ScopeWords,
  options: PauseCommandOptions,
  io: Io,
): Promise<ExitCode> {
  const ended = await withClient(io, options, (client) => client.pauses.resume(scopeOf(words, options)));
  if (options.json) await io.stdout.write(document(ended ?? null));
  else await io.stdout.write(ended ? `resumed ${nameOf(ended)}\n` : "it was not paused\n");
  return exit.ok;
}

/** `pause list`. */
export async function listPauses(options: ConnectionOptions & JsonOption, io: Io): Promise<ExitCode> {
  const pauses = await withClient(io, options, (client) => client.pauses.list());
  if (options.json) await io.stdout.write(pauses.map(line).join(""));
  else if (pauses.length === 0) await io.stderr.write("Nothing is paused.\n");
  else await io.stdout.write(table(pauseColumns(io.now()), pauses, layoutWidth(io.stdout)));
  return exit.ok;
}

function scopeOf({ kind, name }: ScopeWords, { namespace, principal }: PauseCommandOptions): PauseScope {
  if (kind === "namespace") {
    if (name === "") throw new CliError(exit.usage, "name the namespace");
    return { kind, namespace: name };
  }
  return {
    kind,
    ...(name !== "" && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(principal !== undefined && { principal }),
  };
}

function told(pause: Pause): string {
  const end = pause.untilMs > 0 ? `until ${dateText(pause.untilMs)}` : "until it is resumed";
  return `${nameOf(pause)} ${end}`;
}
