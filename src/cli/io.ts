/** Everything a command may touch of the process it runs in, so that a test can stand in for the process. */
export interface Io {
  /** Results. */
  readonly stdout: Sink;
  /** Status, errors and what to do next. */
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Wall time in Unix milliseconds: to show ages, nothing else. */
  now(): number;
  /** What to type to run this command again, for example `npx taskrun`: hints are to be copied as they stand. */
  readonly self: string;
  /** Calls back once, after so many milliseconds. Returns what undoes it. */
  after(ms: number, then: () => void): () => void;
  /** All of standard input; rejects once it is longer than `maxBytes`. */
  readStdin(maxBytes: number): Promise<string>;
  /** Calls back at every SIGINT and SIGTERM, which then end nothing by themselves. Returns what undoes it. */
  onSignal(heard: (signal: Signal) => void): () => void;
}

export type Signal = "SIGINT" | "SIGTERM";

export interface Sink {
  /** Resolves when there is room for more. */
  write(text: string): Promise<void>;
  readonly isTTY: boolean;
  /** Width of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  /** Its height. */
  readonly rows: number | undefined;
}
