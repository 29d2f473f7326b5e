import type { AuthorityPhase, AuthorityState } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";

type Options = ConnectionOptions & { readonly json?: boolean };

export interface RotateOptions extends Options {
  readonly force?: boolean;
}

/** The phases as they are typed. */
export const phaseWords = ["init", "update-clients", "update-servers", "standby", "rollback"] as const;
export type PhaseWord = (typeof phaseWords)[number];

/** `ca rotate`: goes on to the phase that is named, else to the next one. */
export async function rotateAuthority(
  word: PhaseWord | undefined,
  options: RotateOptions,
  io: Io,
): Promise<ExitCode> {
  const { force = false, json } = options;
  const after = await withClient(io, options, async ({ authority }) => {
    const to = word ? (word.replace("-", "_") as AuthorityPhase) : (await authority.get()).nextPhase;
    if (to === "unspecified")
      throw new CliError(exit.failed, "the server is in a phase that this command does not know");
    return authority.rotate(to, { force });
  });
  if (json) {
    await io.stdout.write(line(after));
    return exit.ok;
  }
  const left = after.leftBehind.map((worker) => `left behind, to be invited again: ${worker}`);
  await write(io, [...left, ...describe(after, io.self)]);
  return exit.ok;
}

/** What a running server says of its rotation; or why nothing is known of it. */
export async function rotationOf(options: Options, io: Io): Promise<AuthorityState | string> {
  try {
    return await withClient(io, options, ({ authority }) => authority.get({ timeoutMs: ASKED }));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return `where a rotation stands is not known: ${error.message}`;
  }
}

/** A server on this machine answers in milliseconds; what does not answer is not waited for. */
const ASKED = 5_000;

/** Lines for people. @param self how to run this program */
export function describe(state: AuthorityState, self: string): string[] {
  const { phase, nextPhase, waitingWorkers, waitingNodes, workers, workersWaitedFor } = state;
  if (phase === "standby") return ["no rotation: there is one authority", `pin ${state.caPin}`];
  const more = workersWaitedFor - waitingWorkers.length;
  return [
    `rotation: ${worded(phase)} since ${new Date(state.changedAt).toISOString().slice(0, 16).replace("T", " ")}, by ${state.changedBy}`,
    `pin ${state.caPin}`,
    `${phase === "rollback" ? "given up" : "next"} ${state.nextCaPin}`,
    `${workers - workersWaitedFor} of ${workers} workers are ready for ${worded(nextPhase)}`,
    ...waitingWorkers.map((worker) => `  waits for worker ${worker}`),
    ...(more > 0 ? [`  and for ${more} more`] : []),
    ...waitingNodes.map(({ id, problem }) => `  waits for server ${id}: ${problem}`),
    `then: \`${self} ca rotate ${worded(nextPhase)}\`${phase === "rollback" ? "" : `, or \`${self} ca rotate rollback\``}`,
  ];
}

function worded(phase: string): string {
  return phase.replace("_", "-");
}

export async function write(io: Io, lines: readonly string[]): Promise<void> {
  await io.stdout.write(lines.map((text) => `${oneLine(text)}\n`).join(""));
}
