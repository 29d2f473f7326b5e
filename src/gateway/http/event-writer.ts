import { limits } from "#limits/index";
import type { Outgoing } from "./outgoing.js";

/** One event, as `EventSource` gives it to a page. */
export interface ServerEvent {
  /** What a reader that has lost the connection sends as `Last-Event-ID`. One line. */
  readonly id?: string | undefined;
  /**
   * Its type, `message` if left out. One line, and not `error`, which is what `EventSource` calls the loss of a
   * connection.
   */
  readonly event?: string | undefined;
  /** Any text but the empty one: an event without data is not given to the page. */
  readonly data: string;
}

/** Tells a reader how soon it may come back after its stream has ended. */
export const RETRY = `retry: ${limits.eventsRetry}\n\n`;

/** Writes server-sent events at the pace of their reader, and a comment when there was nothing to write for long. */
export class EventWriter {
  readonly #outgoing: Pick<Outgoing, "write">;
  /** The write that the reader has not taken yet. */
  #writing: Promise<void> | undefined;
  #beating: NodeJS.Timeout | undefined;
  #isQuiet = true;

  constructor(outgoing: Pick<Outgoing, "write">) {
    this.#outgoing = outgoing;
  }

  /** Writes how soon a reader may come back, and from now on comments. Call `stop` at the end. */
  begin(): Promise<void> {
    this.#beating = setInterval(() => this.#beat(), limits.eventsHeartbeat).unref();
    return this.#send(RETRY);
  }

  /** Writes events at once. Resolves when the next ones may be written, or when the reader is gone. */
  async write(events: readonly ServerEvent[]): Promise<void> {
    if (this.#writing) await this.#writing;
    await this.#send(events.map(frameOf).join(""));
  }

  stop(): void {
    clearInterval(this.#beating);
  }

  /** A connection without bytes is cut by proxies, and a peer that is gone shows only when something is written. */
  #beat(): void {
    if (this.#isQuiet && !this.#writing) void this.#send(":\n\n");
    this.#isQuiet = true;
  }

  async #send(text: string): Promise<void> {
    this.#isQuiet = false;
    this.#writing = this.#outgoing.write(Buffer.from(text));
    await this.#writing;
    this.#writing = undefined;
  }
}

/**
 * The text of one event. Whatever is in its data stays data: a reader ends lines at CR, LF or both, so that each line of
 * it is marked.
 */
export function frameOf({ id, event, data }: ServerEvent): string {
  let frame = "";
  if (id !== undefined) frame += `id: ${oneLine(id)}\n`;
  if (event !== undefined) frame += `event: ${oneLine(event)}\n`;
  for (const line of data.split(LINE_END)) frame += `data: ${line}\n`;
  return `${frame}\n`;
}

/** A text for people, which readers other than people skip. */
export function commentOf(text: string): string {
  return `: ${oneLine(text)}\n\n`;
}

const LINE_END = /\r\n|\r|\n/;

/** A reader would take what follows a line end for a line of its own, and ignore an id with a NUL. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\0]+/g, " ");
}
