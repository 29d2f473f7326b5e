/**
 * The process `taskrun`: runs the command line with this process's streams, environment and signals. Loaded by
 * `bin/taskrun.js`.
 */
import type { WriteStream } from "node:tty";
import { commandAsTyped } from "./command-name.js";
import { runProgram } from "./program.js";
import type { Io, Key, Signal, Sink } from "./terminal/io.js";
import { keysOf } from "./terminal/keys.js";

const signals = ["SIGINT", "SIGTERM"] as const satisfies Signal[];

const io: Io = {
  stdout: sink(process.stdout),
  stderr: sink(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  now: () => Date.now(),
  script: process.argv[1] ?? "",
  self: commandAsTyped(process.argv[1] ?? "", process.env, process.cwd()),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  readStdin,
  onKey: process.stdin.isTTY ? onKey : undefined,
  onSignal(heard) {
    for (const signal of signals) process.on(signal, heard);
    return () => {
      for (const signal of signals) process.off(signal, heard);
    };
  },
};

function sink(stream: WriteStream): Sink {
  // A closed pipe ends the process, as in `taskrun task list | head`.
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    write: (text) => new Promise((resolve) => void stream.write(text, () => resolve())),
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
    get rows() {
      return stream.isTTY ? stream.rows : undefined;
    },
  };
}

function onKey(heard: (key: Key) => void): () => void {
  const { stdin } = process;
  const typed = (bytes: Buffer) => {
    for (const key of keysOf(bytes.toString("utf8"))) heard(key);
  };
  stdin.setRawMode(true);
  stdin.on("data", typed);
  return () => {
    stdin.off("data", typed);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

async function readStdin(maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new RangeError(`is longer than the ${maxBytes} bytes it may have`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const code = await runProgram(process.argv.slice(2), io);
// All writes have been awaited; what is still open was told to stop at once.
process.exit(code);
