/** A command's only access to its process, which a test can replace. */
export interface Io {
  /** For results. */
  readonly stdout: Sink;
  /** For status, errors and advice. */
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Wall time in Unix milliseconds, to show ages. */
  now(): number;
  /** How to run this program again, for example `npx taskrun`, so that hints can be copied. */
  readonly self: string;
  /** This program's file, for scripts that call it from anywhere; empty if there is none. */
  readonly script: string;
  /** Calls `then` once after so many milliseconds. @returns cancels it */
  after(ms: number, then: () => void): () => void;
  /** Reads all of standard input. Rejects if it is longer than `maxBytes`. */
  readStdin(maxBytes: number): Promise<string>;
  /**
   * Calls `heard` with every key that is pressed, which then has no other effect. Undefined if nobody sits before a keyboard.
   *
   * @returns gives the keyboard back
   */
  readonly onKey?: ((heard: (key: Key) => void) => () => void) | undefined;
  /** Calls `heard` at every SIGINT and SIGTERM, instead of ending the process. @returns removes the handler */
  onSignal(heard: (signal: Signal) => void): () => void;
}

/** A key by the character it types, or by its name. `interrupt` is Ctrl-C, which is no signal while keys are heard. */
export type Key =
  | ("left" | "right" | "up" | "down" | "home" | "end")
  | ("escape" | "enter" | "backspace" | "interrupt")
  | (string & {});

export type Signal = "SIGINT" | "SIGTERM";

export interface Sink {
  /** Resolves when the text was written. */
  write(text: string): Promise<void>;
  readonly isTTY: boolean;
  /** Width of the terminal; undefined if it is none. */
  readonly columns: number | undefined;
  /** Height of the terminal; undefined if it is none. */
  readonly rows: number | undefined;
}
