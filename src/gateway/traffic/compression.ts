import { promisify } from "node:util";
import zlib from "node:zlib";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { CANCELLED } from "../outcome.js";
import { messageTooLarge } from "./message-reader.js";

/**
 * Compresses and decompresses messages, a few at a time over all connections, because each running operation needs up
 * to the size of a message, however small the compressed bytes are. Waiting ones need only their compressed bytes.
 */
export class Compressor {
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  /**
   * Decompresses a message.
   *
   * @param wanted called before it starts: a message that is no longer needed is skipped
   * @throws {Fault} `overloaded` if it expands to more than a message may be, `invalid` if it is damaged
   */
  expand(bytes: Uint8Array, encoding: "gzip" | "deflate", wanted = always): Promise<Buffer> {
    const expand = encoding === "gzip" ? gunzip : inflate;
    return this.#inTurn(async () => {
      if (!wanted()) throw CANCELLED.fault;
      try {
        return await expand(bytes, { maxOutputLength: limits.messageBytes });
      } catch (error) {
        throw faultOf(error);
      }
    });
  }

  compress(bytes: Uint8Array): Promise<Buffer> {
    return this.#inTurn(() => gzip(bytes));
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#busy >= limits.compressing) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#busy++;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The next waiting operation takes this place.
      if (next) next();
      else this.#busy--;
    }
  }
}

const always = () => true;
const gunzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflate);
const gzip = promisify<zlib.InputType, Buffer>(zlib.gzip);

function faultOf(error: unknown): Fault {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ERR_BUFFER_TOO_LARGE") return messageTooLarge(limits.messageBytes + 1);
  const message = "the message cannot be expanded: it is damaged, or not compressed as its headers say.";
  return new Fault("invalid", message, { reason: "COMPRESSION_BROKEN", cause: error });
}
