/** The exit codes of every command. Scripts rely on them. */
export const exit = {
  ok: 0,
  /** The task failed or was cancelled, a template is invalid, or a request was refused for another reason than below. */
  failed: 1,
  /** The command line, a setting or a request is invalid. */
  usage: 2,
  /** The server cannot be reached, or did not answer in time. */
  unreachable: 3,
  notFound: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** Receives the exit code of a command's action. */
export type Ending = (ended: Promise<ExitCode>) => Promise<void>;

/** A command failed: what is wrong, what to do next, and the exit code. */
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

/** Converts what was thrown; an unexpected error keeps its stack trace. */
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
