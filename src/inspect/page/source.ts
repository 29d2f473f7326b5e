import { type InspectEvent, looseOf, readEvent } from "../view/event.js";

/** What a stream of inspection events tells. */
export interface StreamReader {
  event(event: InspectEvent, json: string): void;
  /** The server has dropped events for this page, or the page has received what is none. */
  dropped(count: number): void;
  state(state: ConnectionState): void;
  /** The log of a Task has been read as far as it goes. @param isOver true if the Task has ended */
  logRead(isOver: boolean): void;
}

export type ConnectionState = "connecting" | "live" | "reconnecting" | "replay" | "refused";

/** Follows a stream of the server's. The browser connects again by itself as long as it is not told to stop. */
export class Source {
  readonly #stream: EventSource;
  #isOpen = false;
  /** True once the server has said that nothing follows: what the connection does then is no failure. */
  #hasEnded = false;

  /** @param isLog true for the log of one Task, which ends with it */
  constructor(path: string, isLog: boolean, reader: StreamReader) {
    this.#stream = new EventSource(new URL(path, import.meta.url));
    this.#stream.addEventListener("open", () => {
      this.#isOpen = true;
      reader.state(isLog ? "replay" : "live");
    });
    this.#stream.addEventListener("inspect", ({ data }: MessageEvent<string>) => {
      const event = readEvent(data);
      if (event) reader.event(event, data);
      else reader.dropped(1);
    });
    this.#stream.addEventListener("dropped", ({ data }: MessageEvent<string>) =>
      reader.dropped(countOf(data)),
    );
    this.#stream.addEventListener("end", ({ data }: MessageEvent<string>) => {
      this.#hasEnded = true;
      this.#stream.close();
      reader.logRead(fieldOf(data, "ended") === true);
    });
    this.#stream.addEventListener("error", () => {
      if (this.#hasEnded) return;
      const isRefused = this.#stream.readyState === EventSource.CLOSED;
      reader.state(isRefused ? "refused" : this.#isOpen ? "reconnecting" : "connecting");
    });
  }
}

function countOf(data: string): number {
  const count = fieldOf(data, "count");
  return typeof count === "number" && count > 0 ? count : 1;
}

function fieldOf(data: string, name: string): unknown {
  try {
    return looseOf(JSON.parse(data))[name];
  } catch {
    return undefined;
  }
}
