import { RawSocket } from "./raw-http1.js";

/** HTTP/2 by hand, for what no client library would send. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;
const ACK = 1;
const NOTHING = Buffer.alloc(0);

export function frame(type: number, flags: number, stream: number, payload: Buffer = NOTHING): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A message with its length before it; the length may be any. */
export function envelope(payload: Buffer, announced = payload.length, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(announced, 1);
  return Buffer.concat([prefix, payload]);
}

/** HPACK without tables: each header as it is. */
export function hpack(headers: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.from([0]),
    text(name),
    text(value),
  ]);
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** The headers of a request of gRPC. */
export function requestHeaders(
  path: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "127.0.0.1",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  };
}

export interface RawHttp2Options {
  /** Answers pings, as an honest peer does. */
  readonly answers?: boolean;
  /** Acknowledges the server's settings. */
  readonly acknowledges?: boolean;
  /** Initial window of each stream: 0 takes no answer. */
  readonly window?: number;
  readonly reads?: boolean;
}

/** A client's side of one HTTP/2 connection. */
export class RawHttp2 extends RawSocket {
  readonly #answers: boolean;
  readonly #acknowledges: boolean;
  #rest = NOTHING;
  #next = 1;
  /** Frames heard, by type. */
  readonly frames = new Map<number, number>();
  /** Streams that the server has ended or reset. */
  readonly endedStreams = new Set<number>();

  constructor(port: number, options: RawHttp2Options = {}) {
    super(port, options.reads === undefined ? {} : { reads: options.reads });
    this.#answers = options.answers ?? true;
    this.#acknowledges = options.acknowledges ?? true;
    const window = Buffer.alloc(options.window === undefined ? 0 : 6);
    if (options.window !== undefined) {
      window.writeUInt16BE(4, 0);
      window.writeUInt32BE(options.window, 2);
    }
    this.write(Buffer.concat([PREFACE, frame(frameTypes.settings, 0, 0, window)]));
  }

  override onData(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const type = this.#rest[3] as number;
      const flags = this.#rest[4] as number;
      const stream = this.#rest.readUInt32BE(5);
      const payload = this.#rest.subarray(9, 9 + length);
      this.#rest = this.#rest.subarray(9 + length);
      this.#hear(type, flags, stream, payload);
    }
  }

  #hear(type: number, flags: number, stream: number, payload: Buffer): void {
    this.frames.set(type, (this.frames.get(type) ?? 0) + 1);
    if (type === frameTypes.headers) super.onData(payload);
    const ends = (type === frameTypes.data || type === frameTypes.headers) && (flags & END_STREAM) !== 0;
    if (ends || type === frameTypes.reset) this.endedStreams.add(stream);
    if ((flags & ACK) !== 0) return;
    if (type === frameTypes.ping && this.#answers)
      this.write(frame(frameTypes.ping, ACK, 0, Buffer.from(payload)));
    if (type === frameTypes.settings && this.#acknowledges) this.write(frame(frameTypes.settings, ACK, 0));
  }

  /** Opens a stream with these headers. @returns its id */
  request(headers: Readonly<Record<string, string>>, flags = END_HEADERS): number {
    const id = this.#next;
    this.#next += 2;
    this.write(frame(frameTypes.headers, flags, id, hpack(headers)));
    return id;
  }

  /** The same, as bytes to be written later. */
  requestBytes(
    headers: Readonly<Record<string, string>>,
    flags = END_HEADERS,
  ): { id: number; bytes: Buffer } {
    const id = this.#next;
    this.#next += 2;
    return { id, bytes: frame(frameTypes.headers, flags, id, hpack(headers)) };
  }

  data(stream: number, payload: Buffer, flags = 0): boolean {
    return this.write(frame(frameTypes.data, flags, stream, payload));
  }

  heardFrames(type: number): number {
    return this.frames.get(type) ?? 0;
  }
}
