import type { DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { limits } from "#limits/index";
import type { Activity } from "./activity.js";

/** Where the plane is reached; nowhere while it is restarted. */
export class PlaneAddress {
  #transport: Transport | undefined;
  #opened = () => {};
  #opening: Promise<void> | undefined;

  /** @throws {ConnectError} `Unavailable` while the plane is restarted */
  get transport(): Transport {
    if (this.#transport) return this.#transport;
    throw restarted();
  }

  /** Resolves once the plane is reached again; undefined if it is, or will never be. */
  get opening(): Promise<void> | undefined {
    return this.#opening;
  }

  moved(transport: Transport): void {
    this.#transport = transport;
    this.#opened();
    this.#opening = undefined;
  }

  /** Call when the plane goes away to come again. */
  away(): void {
    this.#transport = undefined;
    this.#opening = new Promise((resolve) => {
      this.#opened = resolve;
    });
  }
}

/** Requests that wait for the end of a Task. */
const waits: ReadonlySet<string> = new Set(["RunTask", "WaitTask"]);

interface WaitMessage {
  readonly waitMs?: bigint;
}

/**
 * The way from the client to the plane. A request that waits for the end of a Task is repeated here, as the client would
 * do in real time: in virtual time days may pass meanwhile.
 */
export function clientTransport(address: PlaneAddress, activity: Activity): Transport {
  return {
    async unary(method, signal, timeoutMs, header, message, values) {
      const send = (sent: typeof message) =>
        address.transport.unary(method, signal, timeoutMs, header, sent, values);
      if (!waits.has(method.name)) return activity.during(send(message));

      const wait = { ...message, waitMs: (message as WaitMessage).waitMs || BigInt(limits.waitMost) };
      for (;;) {
        activity.note();
        try {
          const answer = await send(wait);
          activity.note();
          if ((answer.message as { finishedAtMs?: bigint }).finishedAtMs !== 0n) return answer;
        } catch (error) {
          activity.note();
          if (!address.opening) throw error;
          await address.opening;
        }
      }
    },
    async stream(...call) {
      const response = await address.transport.stream(...call);
      return { ...response, message: noted(response.message, address, activity) };
    },
  };
}

async function* noted<Message>(
  messages: AsyncIterable<Message>,
  address: PlaneAddress,
  activity: Activity,
): AsyncGenerator<Message> {
  try {
    for await (const message of messages) {
      activity.note();
      yield message;
    }
  } catch (error) {
    throw address.opening ? restarted() : error;
  }
}

/** The way from one worker to the plane, which a test can cut and hold. */
export class WorkerNetwork {
  readonly #address: PlaneAddress;
  readonly #activity: Activity;
  readonly #open = new Set<() => void>();
  #isCut = false;
  #held: Promise<void> | undefined;
  #release = () => {};

  readonly #streamEnded: () => void;

  /** @param streamEnded called when a stream has ended, whichever side has ended it */
  constructor(address: PlaneAddress, activity: Activity, streamEnded: () => void) {
    this.#address = address;
    this.#activity = activity;
    this.#streamEnded = streamEnded;
  }

  /** Ends all that is open, and lets nothing through. */
  cut(): void {
    this.#isCut = true;
    for (const end of this.#open) end();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Keeps all messages, in both directions, until {@link release}. */
  hold(): void {
    this.#held ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#release();
    this.#held = undefined;
  }

  readonly transport: Transport = {
    unary: async (method: DescMethodUnary, signal, ...rest) => {
      const through = this.#begin(signal);
      const { transport } = this.#address;
      try {
        await this.#held;
        return await this.#activity.during(transport.unary(method, through.signal, ...rest));
      } finally {
        through.end();
      }
    },
    stream: async (method: DescMethodStreaming, signal, timeoutMs, header, messages, values) => {
      const through = this.#begin(signal);
      const { transport } = this.#address;
      const sent = this.#carried(messages, () => {});
      const response = await transport.stream(method, through.signal, timeoutMs, header, sent, values);
      const ended = () => {
        through.end();
        this.#streamEnded();
      };
      return { ...response, message: this.#carried(response.message, ended) };
    },
  } as Transport;

  #begin(signal: AbortSignal | undefined): { readonly signal: AbortSignal; readonly end: () => void } {
    this.#activity.note();
    if (this.#isCut) throw lost();
    const aborter = new AbortController();
    const cut = () => aborter.abort(lost());
    const stop = () => aborter.abort(signal?.reason);
    this.#open.add(cut);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    const end = () => {
      this.#open.delete(cut);
      signal?.removeEventListener("abort", stop);
    };
    return { signal: aborter.signal, end };
  }

  async *#carried<Message>(messages: AsyncIterable<Message>, ended: () => void): AsyncGenerator<Message> {
    try {
      for await (const message of messages) {
        await this.#held;
        this.#activity.note();
        yield message;
      }
      await this.#held;
    } catch (error) {
      await this.#held;
      throw error;
    } finally {
      this.#activity.note();
      ended();
    }
  }
}

/** A server that comes again is unavailable; it is the same to whoever calls while this one is away. */
function restarted(): ConnectError {
  return new ConnectError("the plane is restarted", Code.Unavailable);
}

function lost(): ConnectError {
  return new ConnectError("the connection was cut by the test", Code.Unavailable);
}
