import { Worker } from "node:worker_threads";
import { Fault } from "#domain/fault";
import { errorOf, type Failure, failed, failureOf } from "../failure.js";
import type { FileOptions } from "../file/file.js";
import { type Call, ConnectionHost, type Connections, type Reply, type Role } from "./connection-host.js";

/** The methods of a connection, as asynchronous calls. */
type Asked<Connection, Name extends keyof Connection> = Connection[Name] extends (request: infer Q) => infer A
  ? { readonly request: Q; readonly answer: A }
  : never;

/** Calls the methods of a connection in another thread, or in this one. Calls are executed in order. */
export class ThreadClient<R extends Role> {
  readonly #path: string;
  readonly #connect: () => Transport;
  readonly #fail: (failure: Failure) => void;
  #transport: Transport | undefined;
  #hasFailed = false;
  /** Set once an answer could not be decoded. */
  #damage: Failure | undefined;

  /** @param failed called with the failure that ends the connection, even if no call is pending */
  constructor(role: R, options: FileOptions, onThread: boolean, failed: (failure: Failure) => void) {
    this.#path = options.path;
    this.#fail = (failure) => {
      this.#hasFailed = true;
      failed(failure);
    };
    this.#connect = () =>
      onThread
        ? new ThreadTransport(role, options, this.#fail)
        : new DirectTransport(role, options, this.#fail);
  }

  /** True once the connection has failed. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Starts the thread, which takes longer than opening the connection in it. */
  start(): void {
    this.#transport = this.#connect();
  }

  async open(): Promise<void> {
    await this.#ask("open", undefined);
  }

  async call<Name extends keyof Connections[R] & string>(
    name: Name,
    request: Asked<Connections[R], Name>["request"],
  ): Promise<Asked<Connections[R], Name>["answer"]> {
    return (await this.#ask(name, request)) as Asked<Connections[R], Name>["answer"];
  }

  /**
   * Like `call`, and decodes the answer.
   *
   * @throws {Fault} reason `STORE_DAMAGED` if a row of it cannot be decoded; the connection has then failed
   */
  async decoded<Name extends keyof Connections[R] & string, T>(
    name: Name,
    request: Asked<Connections[R], Name>["request"],
    decode: (answer: Asked<Connections[R], Name>["answer"]) => T,
  ): Promise<T> {
    const answer = await this.call(name, request);
    try {
      return decode(answer);
    } catch (error) {
      this.#damage = failureOf(error, this.#path);
      this.#fail(this.#damage);
      throw errorOf(this.#damage);
    }
  }

  /** Closes the connection, if it is open and has not failed, and ends its thread. */
  async close(): Promise<void> {
    const transport = this.#transport;
    if (!transport) return;
    try {
      if (!this.#damage) await this.#ask("close", undefined);
    } finally {
      this.#transport = undefined;
      await transport.end();
    }
  }

  async #ask(name: string, request: unknown): Promise<unknown> {
    if (!this.#transport) throw new Fault("unavailable", `the store is not open: ${name} did nothing`);
    if (this.#damage) throw errorOf(this.#damage);
    const reply = await this.#transport.send({ name, request });
    if ("failure" in reply) throw errorOf(reply.failure);
    return reply.value;
  }
}

interface Transport {
  send(call: Call): Promise<Reply>;
  end(): Promise<void>;
}

class DirectTransport implements Transport {
  readonly #host: ConnectionHost;

  constructor(role: Role, options: FileOptions, failed: (failure: Failure) => void) {
    this.#host = new ConnectionHost(role, options, failed);
  }

  async send(call: Call): Promise<Reply> {
    const reply = this.#host.answer(call);
    this.#host.checkpointIfDue();
    return reply;
  }

  async end(): Promise<void> {}
}

/** A connection in a thread, which answers first in, first out: an answer belongs to the oldest pending call. */
class ThreadTransport implements Transport {
  readonly #thread: Worker;
  /** The pending calls. Bounded by the callers: the turn in flight and the reads under way. */
  readonly #waiting: ((reply: Reply) => void)[] = [];
  readonly #ended: Promise<void>;
  readonly #failed: (failure: Failure) => void;
  #isEnding = false;
  #failure: Failure | undefined;

  constructor(role: Role, options: FileOptions, failed: (failure: Failure) => void) {
    this.#failed = failed;
    this.#thread = new Worker(threadFile(), { workerData: { role, options }, execArgv: [] });
    this.#thread.on("message", (said: Reply | { readonly event: Failure }) => {
      if ("event" in said) this.#failed(said.event);
      else this.#waiting.shift()?.(said);
    });
    this.#thread.on("error", (error) =>
      this.#fail(`the store's ${role} thread has failed: ${error.message}`),
    );
    this.#ended = new Promise((resolve) => {
      this.#thread.on("exit", () => {
        this.#fail(`the store's ${role} thread has ended`);
        resolve();
      });
    });
  }

  send(call: Call): Promise<Reply> {
    if (this.#failure) return Promise.resolve({ failure: this.#failure });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#thread.postMessage(call);
    });
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#thread.terminate();
    await this.#ended;
  }

  #fail(message: string): void {
    this.#failure ??= failed(message);
    if (!this.#isEnding) this.#failed(this.#failure);
    for (const answer of this.#waiting.splice(0)) answer({ failure: this.#failure });
  }
}

/**
 * A thread of plain Node cannot load TypeScript. Where this module itself runs from its source, as in tests, the
 * thread runs what the last build made of the same sources.
 */
function threadFile(): URL {
  const built = import.meta.url.endsWith(".js")
    ? "./thread.js"
    : "../../../../dist/src/stores/sqlite/thread/thread.js";
  return new URL(built, import.meta.url);
}

/** What reads ask of the reader: its thread, or this one where a file is only looked at. */
export type ReaderCalls = Pick<ThreadClient<"reader">, "call" | "decoded">;
