import type { Task } from "#client/index";
import type { StatelyEvent } from "#inspect/protocol";
import { fromStately } from "#inspect/view/event";
import { Timeline } from "#inspect/view/timeline";
import { limits } from "#limits/index";
import { type ExitCode, exit } from "../exit.js";
import { type Colors, colorsFor } from "../terminal/format.js";
import { FullScreen } from "../terminal/full-screen.js";
import type { Io, Key } from "../terminal/io.js";
import { terminalSize } from "../terminal/size.js";
import { inspectFrame } from "./frame.js";

/** The terminal's whole screen as an inspector of one Task, moved through its messages by keys. */
export class Screen {
  readonly #task: Task;
  readonly #io: Io;
  readonly #colors: Colors;
  readonly #timeline = new Timeline();
  readonly #screen: FullScreen;
  /** Index of the message that has happened last; undefined for the newest. */
  #cursor: number | undefined;
  #isPlaying = false;
  #hasEnded = false;
  #cancelDraw: (() => void) | undefined;
  #quit: () => void = () => {};

  constructor(task: Task, io: Io) {
    this.#task = task;
    this.#io = io;
    this.#colors = colorsFor(io.stdout, io);
    this.#screen = new FullScreen(io);
  }

  /** Shows the events until `q`. Returns 130 if the Task had not ended by then, and 0 otherwise. */
  async run(events: AsyncIterable<StatelyEvent>, interrupted: AbortController): Promise<ExitCode> {
    const { onKey } = this.#io;
    const quit = new Promise<void>((resolve) => {
      this.#quit = resolve;
    });
    interrupted.signal.addEventListener("abort", () => this.#quit());
    await this.#screen.open();
    const unhear = onKey?.((key) => this.#pressed(key));
    try {
      this.#soon(0);
      const reading = this.#read(events);
      await Promise.race([quit, reading.then(() => quit)]);
    } finally {
      unhear?.();
      this.#cancelDraw?.();
      interrupted.abort();
      await this.#screen.close();
    }
    return exit.ok;
  }

  async #read(events: AsyncIterable<StatelyEvent>): Promise<void> {
    for await (const event of events) {
      const read = fromStately(event);
      if (read) this.#timeline.add(read);
      this.#soon(limits.progressFrame);
    }
    this.#hasEnded = true;
    this.#soon(0);
  }

  #pressed(key: Key): void {
    const last = this.#timeline.rows.length - 1;
    const at = this.#cursor ?? last;
    const keys: Readonly<Record<string, () => void>> = {
      right: () => this.#goTo(at + 1),
      left: () => this.#goTo(at - 1),
      home: () => this.#goTo(0),
      end: () => this.#goTo(undefined),
      " ": () => this.#playOrPause(last),
      q: () => this.#quit(),
      escape: () => this.#quit(),
      interrupt: () => this.#quit(),
    };
    if (Object.hasOwn(keys, key)) keys[key]?.();
  }

  #goTo(index: number | undefined): void {
    this.#isPlaying = false;
    this.#move(index);
  }

  #move(index: number | undefined): void {
    const last = this.#timeline.rows.length - 1;
    this.#cursor = index === undefined ? undefined : Math.max(Math.min(index, last), 0);
    this.#soon(0);
  }

  #playOrPause(last: number): void {
    if (this.#isPlaying || this.#cursor === undefined) {
      this.#goTo(this.#cursor ?? last);
      return;
    }
    this.#isPlaying = true;
    if (this.#cursor >= last) this.#move(0);
    this.#play();
  }

  #play(): void {
    this.#io.after(limits.playEvery, () => {
      if (!this.#isPlaying) return;
      const next = (this.#cursor ?? -1) + 1;
      if (next >= this.#timeline.rows.length - 1) this.#isPlaying = false;
      this.#move(next);
      if (this.#isPlaying) this.#play();
    });
  }

  #soon(ms: number): void {
    if (this.#cancelDraw && ms > 0) return;
    this.#cancelDraw?.();
    this.#cancelDraw = this.#io.after(ms, () => void this.#draw());
  }

  async #draw(): Promise<void> {
    this.#cancelDraw = undefined;
    await this.#screen.draw(() =>
      inspectFrame(
        { timeline: this.#timeline, taskId: this.#task.id, cursor: this.#cursor, hasEnded: this.#hasEnded },
        { ...terminalSize(this.#io.stdout), now: this.#io.now(), colors: this.#colors },
      ),
    );
    this.#soon(limits.progressTick);
  }
}
