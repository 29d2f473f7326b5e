import type { AnswerChannel } from "../rpc.js";
import { type BufferedBytes, BufferUse } from "../traffic/buffered-bytes.js";
import type { Traffic } from "../traffic/traffic.js";
import type { HttpPeer } from "./peer.js";
import { type HttpResponse, isGone } from "./response.js";

/**
 * Writes an answer at the pace at which the peer reads. Unread bytes are counted in {@link Traffic}, which may end
 * it.
 */
export class Outgoing implements AnswerChannel {
  readonly #response: HttpResponse;
  readonly #traffic: Traffic;
  readonly #untaken: BufferedBytes;
  readonly #single: boolean;
  readonly #peer: HttpPeer;
  readonly #use: BufferUse;
  /** True while its counted bytes are those reserved, not those written. */
  #reserved = false;

  /** @param single true for one message, which counts until it is read; a stream's counts while the next one waits */
  constructor(response: HttpResponse, traffic: Traffic, single: boolean, peer: HttpPeer) {
    this.#response = response;
    this.#traffic = traffic;
    this.#untaken = single ? traffic.untaken : traffic.stalled;
    this.#single = single;
    this.#peer = peer;
    this.#use = new BufferUse(() => response.destroy(), single ? peer.quota : undefined);
    response.once("close", () => {
      this.#untaken.release(this.#use);
      traffic.answers.abandon(this.#use, peer.quota);
    });
  }

  reserve(bytes: number): Promise<void> | undefined {
    this.#reserved = true;
    return this.#traffic.answers.reserve(this.#use, this.#peer.quota, bytes);
  }

  /** Resolves when the next chunk may be written, or when the peer is gone. */
  async write(chunk: Uint8Array): Promise<void> {
    const response = this.#response;
    if (isGone(response)) return;
    this.#peer.sent(chunk.length);
    const flows = "stream" in response ? response.write(chunk) : response.write(chunk);
    if (this.#single) this.count(chunk.length);
    if (flows) return;
    if (!this.#single) this.#untaken.use(this.#use, chunk.length);
    await drained(response);
    if (!this.#single) this.#untaken.release(this.#use);
  }

  /** Call when bytes of a single answer have been written. They count until it has been read. */
  count(bytes: number): void {
    const before = this.#reserved ? 0 : this.#use.bytes;
    this.#reserved = false;
    this.#untaken.use(this.#use, before + bytes);
  }
}

function drained(response: HttpResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
    if (isGone(response)) done();
  });
}
