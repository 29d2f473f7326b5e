import { Agent, request as requestHttp1 } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type Described, type Malformed, malformed } from "./malformed.js";
import { type MalformedCall, malformedCalls, protocols } from "./malformed-calls.js";
import type { Ports } from "./target.js";

/** An answer that has not ended by then goes on without end, as that of a stream that was understood. */
const PATIENCE_MS = 1_000;
/** Calls on one connection of HTTP/2, before the next is opened. */
const CALLS_PER_SESSION = 50;
/** Of an answer, enough to find its status in. */
const TEXT_CHARS = 4_000;
const WRONG_MAX = 20;
const GRPC_STATUS = /grpc-status: ?(\d+)/;
/** INTERNAL and UNKNOWN, which are what 500 is over HTTP. */
const BUGS = /grpc-status: ?(2|13)\b|"code":"(internal|unknown)"/;

interface Wire {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

interface Answer {
  /** 0 if there is none. */
  readonly status: number;
  /** The beginning of its body, and its trailers as `name: value`. */
  readonly text: string;
}

const NONE: Answer = { status: 0, text: "" };

/** Malformed requests to every listener of a server, in every protocol that it speaks. */
export class Fuzz {
  /** Answers that are the server's own failures, with what was asked. */
  readonly wrong: string[] = [];
  /** How many were answered how: by a status of HTTP or of gRPC, or not at all. */
  readonly statuses = new Map<string, number>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  readonly #sessions = new Map<number, { readonly session: ClientHttp2Session; left: number }>();
  /** Every listener in every protocol, in turn. */
  readonly #ways: readonly (() => Promise<void>)[];

  private constructor(ways: (fuzz: Fuzz) => readonly (() => Promise<void>)[]) {
    this.#ways = ways(this);
  }

  static async of({ httpPort, taskerWorkerPort, ...grpc }: Ports): Promise<Fuzz> {
    const [common, worker] = [await requestsFor(httpPort, 16), await requestsFor(taskerWorkerPort, 17)];
    const calls = malformedCalls(protocols.http, 18);
    const grpcCalls = malformedCalls(protocols.grpc, 19);
    const grpcPorts = [httpPort, grpc.grpcPort, grpc.taskerPort, grpc.orchestratorPort];
    return new Fuzz((fuzz) => [
      ...[1, 2, 3, 4].map(() => () => fuzz.#path(httpPort, common.next().value)),
      () => fuzz.#path(taskerWorkerPort, worker.next().value),
      ...[httpPort, taskerWorkerPort].map((port) => () => fuzz.#call(port, calls.next().value)),
      ...grpcPorts.map((port) => () => fuzz.#grpc(port, grpcCalls.next().value)),
    ]);
  }

  /** Sends one request, and takes note of its answer. */
  async send(i: number): Promise<void> {
    await this.#ways[i % this.#ways.length]?.();
  }

  /** How many were understood. */
  get accepted(): number {
    return [...this.statuses].reduce((sum, [status, count]) => sum + (/^2/.test(status) ? count : 0), 0);
  }

  get sent(): number {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
  }

  close(): void {
    this.#agent.destroy();
    for (const { session } of this.#sessions.values()) session.destroy();
  }

  async #path(port: number, asked: Malformed): Promise<void> {
    this.#note(port, asked, await this.#http1(port, asked));
  }

  async #call(port: number, call: MalformedCall): Promise<void> {
    const asked = { ...call, method: "POST" };
    this.#note(port, asked, await this.#http1(port, asked));
  }

  async #grpc(port: number, call: MalformedCall): Promise<void> {
    this.#note(port, { ...call, method: "POST" }, await this.#http2(port, call));
  }

  #note(port: number, { method, path, headers, body }: Wire, { status, text }: Answer): void {
    const [, code = "0"] = GRPC_STATUS.exec(text) ?? [];
    const said = status === 0 ? "none" : code === "0" ? `${status}` : `gRPC ${code}`;
    this.statuses.set(said, (this.statuses.get(said) ?? 0) + 1);
    if (status !== 500 && !BUGS.test(text)) return;
    const shown = typeof body === "string" ? body : (body?.toString("hex") ?? "");
    if (this.wrong.length < WRONG_MAX)
      this.wrong.push(
        `${port} ${method} ${path} ${JSON.stringify(headers)} ${shown.slice(0, 200)} → ${text.slice(0, 200)}`,
      );
  }

  #http1(port: number, { method, path, headers, body }: Wire): Promise<Answer> {
    return new Promise((resolve) => {
      const asked = requestHttp1({ host: "127.0.0.1", port, method, path, headers, agent: this.#agent });
      const late = setTimeout(() => asked.destroy(), PATIENCE_MS);
      let answer = NONE;
      asked.once("response", (response) => {
        answer = { status: response.statusCode ?? 0, text: "" };
        // A stream of events that was understood is none of what is looked for, and would never end.
        if (response.headers["content-type"]?.startsWith("text/event-stream")) asked.destroy();
        response.setEncoding("latin1").on("data", (part: string) => {
          answer = { ...answer, text: (answer.text + part).slice(-TEXT_CHARS) };
        });
        response.once("error", () => undefined);
      });
      asked
        .once("error", () => undefined)
        .once("close", () => {
          clearTimeout(late);
          resolve(answer);
        });
      asked.end(body);
    });
  }

  #http2(port: number, { path, headers, body }: MalformedCall): Promise<Answer> {
    return new Promise((resolve) => {
      const stream = this.#session(port).request({
        ...headers,
        ":method": "POST",
        ":path": path,
        te: "trailers",
      });
      const late = setTimeout(() => stream.close(), PATIENCE_MS);
      let answer = NONE;
      stream
        .on("response", (head) => {
          answer = { status: Number(head[":status"] ?? 0), text: lineOf(head) };
        })
        .on("trailers", (trailers) => {
          answer = { ...answer, text: lineOf(trailers) };
        })
        .once("error", () => undefined)
        .once("close", () => {
          clearTimeout(late);
          resolve(answer);
        });
      stream.resume().end(body);
    });
  }

  #session(port: number): ClientHttp2Session {
    const known = this.#sessions.get(port);
    if (known && known.left-- > 0 && !known.session.closed && !known.session.destroyed) return known.session;
    known?.session.close();
    const session = connectHttp2(`http://127.0.0.1:${port}`).on("error", () => undefined);
    this.#sessions.set(port, { session, left: CALLS_PER_SESSION });
    return session;
  }
}

function lineOf(headers: Readonly<Record<string, unknown>>): string {
  return `grpc-status: ${headers["grpc-status"] ?? ""} ${headers["grpc-message"] ?? ""}`;
}

/** Made of what a listener says of itself. */
async function requestsFor(port: number, seed: number): Promise<Generator<Malformed, never>> {
  const document = await (await fetch(`http://127.0.0.1:${port}/api-docs/openapi.json`)).json();
  return malformed(document as Described, seed);
}
