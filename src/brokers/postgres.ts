import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { parsePostgresUrl } from "#domain/postgres-url";
import { limits } from "#limits/index";
import type { Broker, BrokerListener, Wake } from "#ports/broker";
import type { Log } from "#ports/telemetry";
import type { Connection } from "#stores/postgres/connect/connection";
import type { Open } from "#stores/postgres/connect/open";
import { heardIn, payloadsOf } from "./payload.js";
import { PendingWakes } from "./pending.js";

/** Options of {@link postgresBroker}. */
export interface PostgresBrokerOptions {
  /** The URL of the store: its schema names the channel. */
  readonly url: string;
  /** Told when the connection is lost, and when it is back. Default: nobody. */
  readonly log?: Log;
}

/** The statement of a batch. One transaction; while it commits, the others of this database wait: it does nothing else. */
const NOTIFY = { name: "notify", text: "SELECT pg_notify($1, each) FROM unnest($2::text[]) AS each" };

/**
 * Carries wakes by LISTEN and NOTIFY, on one connection of its own. Wakes that come while a statement is on its way are
 * gathered for the next one. While the database is away they are kept, up to `limits.wakesPending`.
 *
 * @throws {RangeError} if the URL is wrong
 */
export function postgresBroker({ url, log }: PostgresBrokerOptions): Broker {
  return new PostgresBroker(url, log);
}

class PostgresBroker implements Broker {
  readonly #url: ReturnType<typeof parsePostgresUrl>;
  readonly #log: Log | undefined;
  readonly #own = randomUUID().slice(0, 8);
  readonly #pending = new PendingWakes();
  readonly #closing = new AbortController();
  #listener: BrokerListener | undefined;
  #connection: Connection | undefined;
  #running: Promise<void> | undefined;
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;
  #closed = false;

  constructor(url: string, log: Log | undefined) {
    this.#url = parsePostgresUrl(url);
    this.#log = log;
  }

  get connected(): boolean {
    return this.#connection !== undefined && !this.#connection.lost;
  }

  publish(wakes: readonly Wake[]): void {
    if (this.#closed) return;
    this.#pending.add(wakes);
    this.#send();
  }

  subscribe(listener: BrokerListener): void {
    this.#listener = listener;
    this.#running ??= this.#stayConnected();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listener = undefined;
    // What the last turns have published is sent, if the database is there.
    await Promise.race([this.#sending, setTimeout(limits.postgresConnect, undefined, { ref: false })]);
    this.#closing.abort();
    await this.#running;
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing;
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    let open: Open | undefined;
    let delay: number = limits.brokerBackoffFirst;
    let hasFailed = false;
    while (!signal.aborted) {
      try {
        // Loaded only here: a server over another store needs no driver.
        open ??= await (await import("#stores/postgres/connect/open")).opener(this.#url);
        const connection = await open("wakes");
        const lost = new Promise<Error>((resolve) => connection.onLost(resolve));
        try {
          await this.#listen(connection);
          if (hasFailed) this.#log?.info("wakes of other nodes arrive again", { store: this.#url.shown });
          hasFailed = false;
          delay = limits.brokerBackoffFirst;
          const error = await Promise.race([lost, aborted]);
          if (error) throw error;
        } finally {
          this.#connection = undefined;
          await connection.close();
        }
      } catch (err) {
        if (signal.aborted) return;
        const text = "wakes of other nodes do not arrive; until they do, they are found by polling";
        if (!hasFailed) this.#log?.warn(text, { store: this.#url.shown, err });
        hasFailed = true;
        // Half of it by chance, so that many nodes do not come at once.
        await setTimeout(delay * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(
          () => {},
        );
        delay = Math.min(2 * delay, limits.brokerBackoffMost);
      }
    }
  }

  async #listen(connection: Connection): Promise<void> {
    connection.onNotification((payload) => this.#hear(payload));
    await connection.script(`LISTEN "${this.#url.schema}"`);
    if (this.#closing.signal.aborted) return;
    this.#connection = connection;
    this.#listener?.gap();
    this.#send();
  }

  #hear(payload: string): void {
    const heard = heardIn(payload);
    if (!heard || heard.from === this.#own) return;
    if (heard.gap) this.#listener?.gap();
    if (heard.wakes.length > 0) this.#listener?.wakes(heard.wakes);
  }

  #send(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    this.#sending = this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    // What a turn publishes in several parts is gathered first.
    await Promise.resolve();
    try {
      while (this.connected && !this.#pending.isEmpty) await this.#sendOnce();
    } catch (err) {
      // They may have arrived or not: the others ask the store once they hear of a gap.
      this.#pending.drop();
      if (this.#connection && !this.#connection.lost) {
        this.#log?.warn("wakes for other nodes could not be sent; connecting again", { err });
        this.#connection.destroy();
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #sendOnce(): Promise<void> {
    const { wakes, missed } = this.#pending.take();
    const payloads = payloadsOf(this.#own, wakes, missed);
    for (let i = 0; i < payloads.length; i += limits.wakeBatch) {
      const batch = payloads.slice(i, i + limits.wakeBatch);
      await this.#connection?.query(NOTIFY, [this.#url.schema, batch]);
    }
  }
}
