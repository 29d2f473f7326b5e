/** Whatever a peer begins, it must end: handshakes, headers, bodies, and the reading of answers. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { millis } from "#domain/time/time";
import { paths } from "../../hostile/raw/paths.js";
import { RawSocket } from "../../hostile/raw/raw-http1.js";
import {
  END_HEADERS,
  END_STREAM,
  envelope,
  frame,
  frameTypes,
  hpack,
  PREFACE,
  RawHttp2,
  requestHeaders,
} from "../../hostile/raw/raw-http2.js";
import { bothPorts } from "../../hostile/target.js";
import { type Opened, open } from "../kit/open.js";

/** Deadlines of 5 s are looked at once a second, on a machine that may have more to do. */
const SOON_MS = 15_000;
/** What the documents say, less what clocks differ by. */
const NOT_BEFORE_MS = 4_500;
let opened: Opened;

beforeAll(async () => {
  opened = await open({ messageDeadline: millis(500) });
});
afterAll(() => opened.gateway.close(1_000));

/** How long it took until the connection was closed. */
async function lifeOf(socket: RawSocket): Promise<number> {
  await socket.opened;
  const began = performance.now();
  await Promise.race([socket.closed, new Promise((resolve) => setTimeout(resolve, SOON_MS))]);
  return socket.isClosed ? performance.now() - began : Number.POSITIVE_INFINITY;
}

const half = frame(frameTypes.headers, 0, 1, hpack(requestHeaders(paths.healthCheck)));

test.each(bothPorts)("handshakes and headers have 5 s (%s)", { timeout: 3 * SOON_MS }, async (name) => {
  const port = opened[name];
  const says = (bytes: Buffer) => {
    const socket = new RawSocket(port);
    socket.write(bytes);
    return socket;
  };
  const silent = new RawSocket(port);
  const preface = says(PREFACE.subarray(0, 10));
  const noSettings = says(PREFACE);
  const unacknowledged = new RawHttp2(port, { acknowledges: false });
  const noEnd = new RawHttp2(port, { answers: false });
  const laterNoEnd = new RawHttp2(port, { answers: false });
  // Within headers nothing else may be sent: what must be said has been said before.
  for (const { frames } of [noEnd, laterNoEnd])
    await expect.poll(() => frames.get(frameTypes.settings), { timeout: SOON_MS }).toBe(2);
  noEnd.write(half);
  const honest = new RawHttp2(port);
  honest.request(requestHeaders(paths.healthWatch));
  const done = laterNoEnd.request(requestHeaders(paths.healthCheck));
  laterNoEnd.data(done, envelope(Buffer.alloc(0)), END_STREAM);
  laterNoEnd.write(frame(frameTypes.headers, 0, done + 2, hpack(requestHeaders(paths.healthCheck))));

  const lives = await Promise.all(
    [silent, preface, noSettings, unacknowledged, noEnd, laterNoEnd].map((socket) => lifeOf(socket)),
  );
  for (const life of lives) {
    expect(life).toBeGreaterThan(NOT_BEFORE_MS);
    expect(life).toBeLessThan(SOON_MS);
  }
  expect(honest.isClosed).toBe(false);
  const causes = opened.counted.flatMap(({ labels }) =>
    labels?.door === name.slice(0, 4) ? labels.cause : [],
  );
  expect(causes.filter((cause) => cause === "headers")).toHaveLength(2);
  honest.end();
});

test("the headers of HTTP/1.1 have 5 s as well", { timeout: 2 * SOON_MS }, async () => {
  const socket = new RawSocket(opened.httpPort);
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n");
  const dripping = setInterval(() => socket.write("x: y\r\n"), 200);
  expect(await lifeOf(socket)).toBeLessThan(SOON_MS);
  clearInterval(dripping);
  expect(socket.text).toMatch(/^HTTP\/1.1 408/);
});

const padding = (headers: number, bytes: number) =>
  Object.fromEntries(Array.from({ length: headers }, (_, n) => [`x-${n}`, "y".repeat(bytes)]));

/** Sends headers of any size, and a request that is small. @returns whether each stream was answered by a reset */
async function headersOf(port: number, headers: Readonly<Record<string, string>>, acknowledges: boolean) {
  const http2 = new RawHttp2(port, { acknowledges });
  await expect.poll(() => http2.heardFrames(frameTypes.settings), { timeout: SOON_MS }).toBeGreaterThan(0);
  const block = hpack({ ...requestHeaders(paths.healthCheck), ...headers });
  const pieces = Array.from({ length: Math.ceil(block.length / 16_000) }, (_, n) =>
    block.subarray(n * 16_000, (n + 1) * 16_000),
  );
  for (const [n, piece] of pieces.entries()) {
    const type = n === 0 ? frameTypes.headers : frameTypes.continuation;
    http2.write(frame(type, n === pieces.length - 1 ? END_HEADERS : 0, 1, piece));
  }
  http2.data(1, envelope(Buffer.alloc(0)), END_STREAM);
  await expect.poll(() => http2.endedStreams.has(1) || http2.isClosed, { timeout: SOON_MS }).toBe(true);
  const answered = http2.heard.includes("grpc-status") || http2.heardFrames(frameTypes.headers) > 0;
  http2.end();
  return answered;
}

test.each(bothPorts)("headers have 16 KiB and 128 pairs (%s)", { timeout: 4 * SOON_MS }, async (name) => {
  const port = opened[name];
  for (const acknowledges of [true, false]) {
    expect(await headersOf(port, padding(7, 2_000), acknowledges)).toBe(true);
    expect(await headersOf(port, padding(20, 2_000), acknowledges)).toBe(false);
    expect(await headersOf(port, padding(130, 1), acknowledges)).toBe(false);
  }
});

test("so they have over HTTP/1.1", async () => {
  const answerTo = async (headers: string) => {
    const socket = new RawSocket(opened.httpPort);
    socket.write(`GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n`);
    await socket.closed;
    return socket.text.slice(9, 12);
  };
  expect(await answerTo("x: y\r\n".repeat(100))).toBe("200");
  expect(await answerTo("x: y\r\n".repeat(127))).toBe("431");
  expect(await answerTo(`x: ${"y".repeat(17_000)}\r\n`)).toBe("431");
});

const wholes = { "content-type": "application/proto" };
const begun = envelope(Buffer.alloc(10), 1_000);

test.each(bothPorts)(
  "a body that does not end is ended, though pings are answered (%s)",
  { timeout: 2 * SOON_MS },
  async (name) => {
    const http2 = new RawHttp2(opened[name]);
    const nothing = http2.request(requestHeaders(paths.unary));
    const some = http2.request(requestHeaders(paths.unary));
    const watch = http2.request(requestHeaders(paths.watch));
    const unended = http2.request(requestHeaders(paths.healthCheck));
    const worker = http2.request(requestHeaders(paths.reflection));
    const streams = [nothing, some, watch, unended, worker];
    if (name === "httpPort") {
      const connect = http2.request(requestHeaders(paths.unary, wholes));
      http2.data(connect, Buffer.from("x"));
      const web = http2.request(
        requestHeaders(paths.unary, { "content-type": "application/grpc-web+proto" }),
      );
      http2.data(web, begun);
      streams.push(connect, web);
    }
    for (const stream of [some, watch, worker]) http2.data(stream, begun);
    http2.data(unended, envelope(Buffer.alloc(0))); // all there, but for the end
    const dripping = setInterval(() => {
      for (const stream of [some, watch, worker])
        if (!http2.endedStreams.has(stream)) http2.data(stream, Buffer.from("x"));
    }, 50);

    await expect
      .poll(() => streams.filter((id) => !http2.endedStreams.has(id)), { timeout: SOON_MS })
      .toEqual([]);
    clearInterval(dripping);
    expect(http2.isClosed).toBe(false);
    http2.end();
  },
);

test("so it is over HTTP/1.1, with its connection", { timeout: 2 * SOON_MS }, async () => {
  const socket = new RawSocket(opened.httpPort);
  socket.write(
    `POST ${paths.unary} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
  );
  const dripping = setInterval(() => socket.write(" "), 100);
  await socket.closed;
  clearInterval(dripping);
  expect(socket.text).toMatch(/^HTTP\/1.1 504[\s\S]*BODY_TIMEOUT/);
});

test.each(bothPorts)(
  "a stream may be silent between its messages for as long as it likes (%s)",
  { timeout: 2 * SOON_MS },
  async (name) => {
    const http2 = new RawHttp2(opened[name]);
    const stream = http2.request(requestHeaders(paths.reflection));
    const list = envelope(Buffer.from([0x3a, 0]));
    http2.data(stream, list);
    const laterBegun = http2.request(requestHeaders(paths.reflection));
    await expect.poll(() => http2.heardFrames(frameTypes.data), { timeout: SOON_MS }).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    for (const id of [stream, laterBegun]) http2.data(id, list);
    await expect.poll(() => http2.heardFrames(frameTypes.data), { timeout: SOON_MS }).toBe(3);
    http2.end();
  },
);

test.each(bothPorts)("an answer that is not read is ended (%s)", { timeout: 2 * SOON_MS }, async (name) => {
  const http2 = new RawHttp2(opened[name], { window: 0 });
  const stream = http2.request(requestHeaders(paths.healthCheck));
  http2.data(stream, envelope(Buffer.alloc(0)), END_STREAM);
  await expect.poll(() => http2.endedStreams.has(stream), { timeout: SOON_MS }).toBe(true);
  expect(http2.isClosed).toBe(false);
  http2.end();
});

/** The timer that the system runs for a connection of ours: 2 is that of keepalive. Only Linux shows it. */
function timerOf({ localPort }: Socket, listening: number): string | undefined {
  const hex = (port = 0) => port.toString(16).toUpperCase().padStart(4, "0");
  const line = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .find((text) => text.includes(`:${hex(listening)} `) && text.includes(`:${hex(localPort)} 01 `));
  return line?.trim().split(/\s+/)[5];
}

test.runIf(process.platform === "linux").each(bothPorts)(
  "a peer that is gone is found by TCP as well (%s)",
  async (name) => {
    const socket = connect(opened[name], "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    await expect.poll(() => timerOf(socket, opened[name]), { timeout: SOON_MS }).toMatch(/^02:/);
    const [, when = ""] = (timerOf(socket, opened[name]) ?? "").split(":");
    expect(Number.parseInt(when, 16) / 100).toBeLessThanOrEqual(30);
    socket.destroy();
  },
);
