import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";

/** One event as a page gets it. */
export interface SeenEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** Reads a stream as the HTML standard has it, which is how a browser does. */
export class EventReader {
  readonly events: SeenEvent[] = [];
  readonly comments: string[] = [];
  retry: number | undefined;
  #rest = "";
  #id = "";
  #type = "";
  #data: string[] = [];

  push(text: string): void {
    this.#rest += text;
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.#rest);
      if (!end) return;
      this.#line(this.#rest.slice(0, end.index));
      this.#rest = this.#rest.slice(end.index + end[0].length);
    }
  }

  #line(line: string): void {
    if (line === "") {
      this.#dispatch();
      return;
    }
    if (line.startsWith(":")) this.comments.push(line.slice(1).trim());
    const [, field = line, value = ""] = /^([^:]*):? ?(.*)$/su.exec(line) ?? [];
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(): void {
    const data = this.#data.join("\n");
    if (data !== "") this.events.push({ id: this.#id, type: this.#type || "message", data });
    this.#type = "";
    this.#data = [];
  }
}

/** An open stream of events over HTTP/1.1, or the answer that came instead. */
export interface OpenEvents {
  readonly status: number;
  readonly response: IncomingMessage;
  readonly reader: EventReader;
  /** Resolves when the server has ended the response. */
  readonly ended: Promise<void>;
  /** What the answer says if it is no stream. */
  text(): Promise<string>;
  close(): void;
}

export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<OpenEvents> {
  const asked = request(url, { headers: { accept: "text/event-stream", ...headers }, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  asked.on("error", () => undefined);
  response.on("error", () => undefined);
  response.setEncoding("utf8");
  const reader = new EventReader();
  let all = "";
  response.on("data", (text: string) => {
    all += text;
    reader.push(text);
  });
  const ended = new Promise<void>((resolve) => response.once("close", resolve));
  return {
    status: response.statusCode ?? 0,
    response,
    reader,
    ended,
    text: () => ended.then(() => all),
    close: () => asked.destroy(),
  };
}
