import { invariant } from "#domain/invariant";
import { type Failure, failureOf, isFinal } from "../failure.js";
import type { FileOptions } from "../file/file.js";
import { Reader } from "../read/reader.js";
import { Writer } from "../writer.js";

/** The two connections of a store, by their role. */
export interface Connections {
  readonly writer: Writer;
  readonly reader: Reader;
}
export type Role = keyof Connections;

/** A call to a connection: the name of a method and its arguments. */
export interface Call {
  readonly name: string;
  readonly request: unknown;
}

export type Reply = { readonly value: unknown } | { readonly failure: Failure };

/**
 * Executes calls on a connection, in its thread. After the store has failed, no call is executed: after an I/O error
 * even a read might return what is not on the disk.
 */
export class ConnectionHost {
  readonly #role: Role;
  readonly #options: FileOptions;
  readonly #failed: (failure: Failure) => void;
  #connection: Writer | Reader | undefined;
  #failure: Failure | undefined;

  /** @param failed called once with the failure that ends the store */
  constructor(role: Role, options: FileOptions, failed: (failure: Failure) => void) {
    this.#role = role;
    this.#options = options;
    this.#failed = failed;
  }

  /** Executes a call. The first must be `open` and the last `close`; in between, any method of the connection. */
  answer(call: Call): Reply {
    if (call.name === "close") return this.#attempt(() => this.#close());
    if (this.#failure) return { failure: this.#failure };
    return this.#attempt(() => this.#carryOut(call));
  }

  /** Runs the work that can wait until the answer has been sent. If it fails, the next call throws the error. */
  checkpointIfDue(): void {
    if (this.#connection && !this.#failure) this.#attempt(() => this.#connection?.checkpointIfDue());
  }

  #carryOut({ name, request }: Call): unknown {
    if (name === "open") {
      this.#connection = this.#role === "writer" ? this.#openWriter() : new Reader(this.#options);
      return undefined;
    }
    const method: unknown = Reflect.get(this.#connection ?? {}, name);
    invariant(typeof method === "function", `${name} called on a ${this.#role} that has no such method`);
    return Reflect.apply(method, this.#connection, [request]);
  }

  #openWriter(): Writer {
    return new Writer(this.#options, (error) => this.#fail(failureOf(error, this.#options.path)));
  }

  #fail(failure: Failure): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#failed(failure);
  }

  /** Closes the connection, unless it has failed: closing could write. */
  #close(): void {
    if (!this.#failure) this.#connection?.close();
    this.#connection = undefined;
  }

  #attempt(work: () => unknown): Reply {
    try {
      return { value: work() };
    } catch (error) {
      const failure = failureOf(error, this.#options.path);
      if (isFinal(failure)) this.#fail(failure);
      return { failure };
    }
  }
}
