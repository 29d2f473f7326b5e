/** What the exit code of every command means. Scripts rely on it. */
export const exit = {
  ok: 0,
  /** The task failed or was cancelled, a template is not valid, or a request was refused for another reason than those below. */
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

/** Any failure as one that can be told: a bug of ours keeps its stack. */
export function toCliError(thrown: unknown, self: string): CliError {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof Error && thrown.name === "ConfigError") {
    return new CliError(
      exit.usage,
      thrown.message,
      [`\`${self} server --help\` lists every setting.`],
      thrown,
    );
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new CliError(exit.failed, stack, [], thrown);
}
