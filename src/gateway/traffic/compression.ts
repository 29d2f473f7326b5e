import { promisify } from "node:util";
import zlib from "node:zlib";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { CANCELLED } from "../outcome.js";
import { messageTooLarge } from "./message-reader.js";

/**
 * Compresses and expands messages, a few at a time over all connections: each one at work takes up to the size of
 * a message, however few bytes came. Those that wait hold what was received of them, and no more.
 */
export class Compressor {
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  /**
   * @param wanted asked when its turn has come: what nobody waits for any more costs nothing
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
      // Whoever comes next takes this one's place.
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
