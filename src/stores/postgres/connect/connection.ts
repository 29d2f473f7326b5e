import type { ClientConfig, Client as PgClient } from "pg";
import { limits } from "#limits/index";
import { ConnectionLost, isServerError } from "./failure.js";

/** A value that is sent, or that comes back: bigint as a number, an array of texts as a list. */
export type Cell = string | number | boolean | null | readonly string[];
export type Cells = readonly Cell[];

/** A statement; with a name it is prepared once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** Whose rows a session sees: those of some namespaces, or all. */
export interface Scope {
  /** As a literal of PostgreSQL; empty for all. */
  readonly text: string;
}

/** The server itself. */
export const EVERYTHING: Scope = { text: "" };

/** Who may use these namespaces alone. */
export function scopeOf(namespaces: readonly string[]): Scope {
  return { text: `{${namespaces.map((each) => `"${each.replace(/[\\"]/g, "\\$&")}"`).join(",")}}` };
}

const actFor = { name: "act-for", text: "SELECT set_config('taskrun.namespaces', $1, false)" } as const;

const INT8 = 20;

/** Loads the driver, which only a store on PostgreSQL needs. */
export async function loadDriver(): Promise<(config: ClientConfig) => PgClient> {
  const { default: pg } = await import("pg");
  // A count or an instant in milliseconds is far below 2^53.
  const types = {
    getTypeParser: (id: number, format?: "text" | "binary") =>
      id === INT8 ? Number : (pg.types.getTypeParser(id, format as "text") as (text: string) => unknown),
  };
  return (config) => new pg.Client({ ...config, types } as ClientConfig);
}

/** One session with a server. It is used by one caller at a time. */
export class Connection {
  readonly #client: PgClient;
  #lost: Error | undefined;
  #onLost: (error: Error) => void = () => {};
  /** The text of the scope that the session has; undefined while it is not known. */
  #scope: string | undefined = EVERYTHING.text;
  /** Names the session for the server; set by `openConnection`. */
  backend: { readonly pid: number; readonly started: string } | undefined;

  /** @param client connected */
  constructor(client: PgClient) {
    this.#client = client;
    client.on("error", (error: Error) => this.#end(error));
    client.on("end", () => this.#end(new Error("the server closed the connection")));
  }

  /** Why it cannot be used any more; undefined while it can. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Calls once it is lost. */
  onLost(tell: (error: Error) => void): void {
    this.#onLost = tell;
    if (this.#lost) tell(this.#lost);
  }

  /** Calls with the text of each notification on a channel that this session listens to. */
  onNotification(tell: (payload: string) => void): void {
    this.#client.on("notification", ({ payload = "" }) => tell(payload));
  }

  /**
   * Runs one statement, in a transaction of its own.
   *
   * @throws {ConnectionLost} if there will be no answer
   * @throws {ServerError} what the server answered
   */
  async query(statement: Statement, values: readonly unknown[] = []): Promise<readonly Cells[]> {
    if (this.#lost) throw new ConnectionLost(this.#lost.message, false, this.#lost);
    try {
      const { rows } = await this.#client.query<Cell[]>({
        ...statement,
        values: [...values],
        rowMode: "array",
      });
      return rows;
    } catch (error) {
      if (isServerError(error)) {
        if (error.severity === "FATAL" || error.severity === "PANIC") this.#end(error);
        throw error;
      }
      const cause = error instanceof Error ? error : new Error(String(error));
      this.#end(cause);
      this.destroy();
      throw new ConnectionLost(cause.message, true, cause);
    }
  }

  /**
   * Confines what later statements see, until the next call.
   *
   * @returns undefined if the session is confined so already
   * @throws {ConnectionLost | ServerError} by the promise, as {@link query}
   */
  actFor({ text }: Scope): Promise<void> | undefined {
    if (this.#scope === text) return undefined;
    this.#scope = undefined;
    return this.query(actFor, [text]).then(() => {
      this.#scope = text;
    });
  }

  /** Runs several statements without values, in one transaction. */
  async script(text: string): Promise<void> {
    await this.query({ text });
  }

  async close(): Promise<void> {
    this.#onLost = () => {};
    if (this.#lost) return this.destroy();
    this.#lost = new Error("it was closed");
    const ended = this.#client.end().catch(() => {});
    const { setTimeout } = await import("node:timers/promises");
    await Promise.race([ended, setTimeout(limits.postgresConnect, undefined, { ref: false })]);
    this.destroy();
  }

  /** Ends it without a word to the server. */
  destroy(): void {
    const { connection } = this.#client as unknown as { connection?: { stream?: { destroy(): void } } };
    connection?.stream?.destroy();
  }

  #end(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#onLost(error);
  }
}
