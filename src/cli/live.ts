import { TaskRunError } from "#client/index";
import { limits } from "#limits/index";
import { type ExitCode, exit } from "./exit.js";
import { duration } from "./terminal/format.js";
import { FullScreen } from "./terminal/full-screen.js";
import type { Io } from "./terminal/io.js";
import { oneLine } from "./terminal/sanitizer.js";
import { canRedraw, terminalSize } from "./terminal/size.js";
import { truncate } from "./terminal/table.js";

/** What a live view shows, asked for again and again. */
export interface LiveSource<View> {
  /** Asks the server. */
  read(signal: AbortSignal): Promise<View>;
  /** The lines of the screen, in this many rows and columns. */
  frame(view: View, size: { readonly rows: number; readonly columns: number }): readonly string[];
  /** Writes what is new of it, where stdout is no terminal. */
  print(view: View): Promise<void>;
}

/**
 * Shows what a source says until `q` or Ctrl-C: on a terminal its whole screen, redrawn; in a pipe only what is new. A server that does
 * not answer any more is asked again, with a note that says so; the last answer stays.
 *
 * @throws {TaskRunError} if the first question fails, or a later one for a reason that will not pass
 */
export async function runLive<View>(
  source: LiveSource<View>,
  { addr, plain = false, every = limits.liveEvery }: LiveOptions,
  io: Io,
): Promise<ExitCode> {
  const stop = new AbortController();
  const unhear = io.onSignal(() => stop.abort());
  try {
    const first = await source.read(stop.signal);
    const isScreen = !plain && canRedraw(io.stdout) && io.env.TERM !== "dumb";
    const showing = isScreen ? new ScreenShow(source, addr, stop, io) : new PlainShow(source, addr, io);
    return await follow({ source, showing, first, every }, stop, io);
  } catch (error) {
    if (stop.signal.aborted) return exit.interrupted;
    throw error;
  } finally {
    unhear();
  }
}

interface Show<View> {
  open(): Promise<void>;
  /** @param lostAt when the server has failed to answer; undefined while it answers */
  show(view: View, lostAt: number | undefined): Promise<void>;
  close(): Promise<void>;
  readonly ended: ExitCode;
}

interface LiveOptions {
  /** The server, for the note. */
  readonly addr: string;
  /** True if lines are wanted on a terminal too. */
  readonly plain?: boolean;
  /** Milliseconds between two questions. */
  readonly every?: number;
}

interface Followed<View> {
  readonly source: LiveSource<View>;
  readonly showing: Show<View>;
  readonly first: View;
  readonly every: number;
}

async function follow<View>(
  { source, showing, first, every }: Followed<View>,
  { signal }: AbortController,
  io: Io,
): Promise<ExitCode> {
  let view = first;
  let lostAt: number | undefined;
  await showing.open();
  try {
    while (!signal.aborted) {
      await showing.show(view, lostAt);
      await pause(every, signal, io);
      if (signal.aborted) break;
      try {
        view = await source.read(signal);
        lostAt = undefined;
      } catch (error) {
        if (!signal.aborted && !mayPass(error)) throw error;
        lostAt ??= io.now();
      }
    }
  } finally {
    await showing.close();
  }
  return showing.ended;
}

/** True for a failure that a restart of the server explains. */
function mayPass(error: unknown): boolean {
  const codes: ReadonlySet<string> = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"]);
  return error instanceof TaskRunError && codes.has(error.code);
}

function pause(ms: number, signal: AbortSignal, io: Io): Promise<void> {
  return new Promise((resolve) => {
    const cancel = io.after(ms, done);
    function done(): void {
      signal.removeEventListener("abort", done);
      cancel();
      resolve();
    }
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

class ScreenShow<View> implements Show<View> {
  readonly ended = exit.ok;
  readonly #source: LiveSource<View>;
  readonly #addr: string;
  readonly #io: Io;
  readonly #stop: AbortController;
  readonly #screen: FullScreen;
  #unhear: (() => void) | undefined;

  constructor(source: LiveSource<View>, addr: string, stop: AbortController, io: Io) {
    this.#source = source;
    this.#addr = addr;
    this.#io = io;
    this.#stop = stop;
    this.#screen = new FullScreen(io);
  }

  async open(): Promise<void> {
    await this.#screen.open();
    this.#unhear = this.#io.onKey?.((key) => {
      if (key === "q" || key === "escape" || key === "interrupt") this.#stop.abort();
    });
  }

  show(view: View, lostAt: number | undefined): Promise<void> {
    const { rows, columns } = terminalSize(this.#io.stdout);
    return this.#screen.draw(() => {
      const lines = this.#source.frame(view, { rows: rows - 1, columns }).slice(0, rows - 1);
      const note =
        lostAt === undefined
          ? "q quit"
          : `${this.#addr} does not answer since ${duration(this.#io.now() - lostAt)}; trying again   q quit`;
      const filled = [...lines, ...Array<string>(Math.max(rows - 1 - lines.length, 0)).fill("")];
      return [...filled, truncate(oneLine(note), columns - 1)];
    });
  }

  async close(): Promise<void> {
    this.#unhear?.();
    await this.#screen.close();
  }
}

class PlainShow<View> implements Show<View> {
  readonly ended = exit.interrupted;
  readonly #source: LiveSource<View>;
  readonly #addr: string;
  readonly #io: Io;
  #lostAt: number | undefined;

  constructor(source: LiveSource<View>, addr: string, io: Io) {
    this.#source = source;
    this.#addr = addr;
    this.#io = io;
  }

  async open(): Promise<void> {}

  async show(view: View, lostAt: number | undefined): Promise<void> {
    const { stderr } = this.#io;
    const wasLost = this.#lostAt !== undefined;
    this.#lostAt = lostAt;
    const server = oneLine(this.#addr);
    if (lostAt !== undefined && !wasLost) await stderr.write(`${server} does not answer; trying again.\n`);
    if (lostAt !== undefined) return;
    if (wasLost) await stderr.write(`${server} answers again.\n`);
    await this.#source.print(view);
  }

  async close(): Promise<void> {}
}
