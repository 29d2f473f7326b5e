import { runProgram } from "#cli/program";
import type { Io, Signal, Sink } from "#cli/terminal/io";

export interface AddressedMessage {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Pretends that stdout and stderr are terminals of this width. */
  readonly terminal?: number;
  /** The height of that terminal; 24 if left out. */
  readonly rows?: number;
  /** Unix milliseconds; 61 000 if left out. */
  readonly now?: number;
  /** Told what has been written to either so far, and how to send the signal. */
  /** Keys that are pressed, each once the screen has been drawn after the one before. */
  readonly keys?: readonly string[];
  /** Told how to send the signal, when something listens for it. */
  readonly onStart?: (signal: () => void) => void;
  readonly onWrite?: (text: string, signal: () => void) => void;
}

/** Runs one command line in this process and answers with what it wrote and how it ended. */
export async function taskrun(words: readonly string[], setting: Setting = {}): Promise<AddressedMessage> {
  const written = { stdout: "", stderr: "" };
  const listeners = new Set<(signal: Signal) => void>();
  const signal = () => {
    for (const heard of listeners) heard("SIGINT");
  };
  const sink = (name: "stdout" | "stderr"): Sink => ({
    async write(text) {
      written[name] += text;
      setting.onWrite?.(text, signal);
    },
    isTTY: setting.terminal !== undefined,
    columns: setting.terminal,
    rows: setting.terminal === undefined ? undefined : (setting.rows ?? 24),
  });
  const io: Io = {
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    env: { NO_COLOR: "1", ...setting.env },
    cwd: setting.cwd ?? import.meta.dirname,
    now: () => setting.now ?? 61_000,
    self: "npx taskrun",
    script: "",
    after(_, then) {
      const soon = setImmediate(then);
      return () => clearImmediate(soon);
    },
    ...(setting.keys && { onKey: pressing(setting.keys) }),
    readStdin: async () => setting.stdin ?? "",
    onSignal(heard) {
      listeners.add(heard);
      setting.onStart?.(signal);
      return () => listeners.delete(heard);
    },
  };

  const code = await runProgram(words, io);
  return { code, ...written };
}

/** Presses the keys one after the other, with time in between for what they do. */
function pressing(keys: readonly string[]): NonNullable<Io["onKey"]> {
  return (heard) => {
    let next = 0;
    const timer = setInterval(() => {
      const key = keys[next];
      if (key === undefined) clearInterval(timer);
      else heard(key);
      next += 1;
    }, 60);
    return () => clearInterval(timer);
  };
}
