import type { TaskRunError } from "#client/index";

/** What the exit code of every command means. Scripts rely on it. */
export const exit = {
  ok: 0,
  /** The task failed or was cancelled, or the request was refused for another reason than those below. */
  failed: 1,
  /** The command line, a setting or a request is wrong: the same again will fail again. */
  usage: 2,
  /** The server cannot be reached, or did not answer in time. */
  unreachable: 3,
  notFound: 4,
  /** By Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** What an action hands the exit code it will end with to. */
export type Ending = (ended: Promise<ExitCode>) => Promise<void>;

/** A command that cannot go on: what is wrong, what to do next, and the exit code it ends with. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: ExitCode;
  /** Lines below the message. */
  readonly next: readonly string[];

  constructor(code: ExitCode, message: string, next: readonly string[] = [], cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.next = next;
  }
}

/** What a failed call to the server at `addr` means for whoever typed the command. */
export function fromServer(error: TaskRunError, addr: string): CliError {
  const { code, message, violations, retryAfterMs, metadata, idempotencyKey } = error;
  const say = (exitCode: ExitCode, text: string, ...next: string[]) =>
    new CliError(exitCode, text, next, error);

  switch (code) {
    case "UNAVAILABLE":
      return say(
        exit.unreachable,
        `${addr}: ${message}`,
        "Start one with `taskrun dev`, or name another with --addr HOST:PORT or TASKRUN_ADDR.",
        ...(neverHeard(message) ? [] : keyHint(idempotencyKey)),
      );
    case "DEADLINE_EXCEEDED":
      return say(
        exit.unreachable,
        `the server at ${addr} did not answer in time`,
        "It may be overloaded, or the way to it blocked: try again.",
        ...keyHint(idempotencyKey),
      );
    case "NOT_FOUND":
      return say(exit.notFound, message, "`taskrun task list` and `taskrun worker list` show what there is.");
    case "INVALID_ARGUMENT": {
      const fields = violations.map(({ field, description }) => `${field}: ${description}`);
      return say(exit.usage, message, ...fields.filter((line) => !message.includes(line)));
    }
    case "OUT_OF_RANGE": {
      const earliest = Number(metadata.earliest_seq);
      const hint =
        earliest > 0 ? [`Watch from the first event still kept with --after-seq ${earliest - 1}.`] : [];
      return say(exit.usage, message, ...hint);
    }
    case "RESOURCE_EXHAUSTED":
      return say(exit.failed, message, `Try again${retryAfterMs > 0 ? ` in ${retryAfterMs} ms` : " later"}.`);
    case "UNIMPLEMENTED":
      return say(
        exit.failed,
        `the server at ${addr} cannot do this: ${message}`,
        "It may be older than this command.",
      );
    default:
      return say(exit.failed, message);
  }
}

/** True if the request cannot have reached anybody. */
function neverHeard(message: string): boolean {
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(message);
}

function keyHint(key: string): string[] {
  return key === ""
    ? []
    : [`The task may exist. The same command with --idempotency-key ${key} makes no second one.`];
}

/** Any failure as one that can be told: a bug of ours keeps its stack. */
export function toCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof Error && thrown.name === "ConfigError") {
    return new CliError(exit.usage, thrown.message, ["`taskrun server --help` lists every setting."], thrown);
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new CliError(exit.failed, stack, [], thrown);
}
