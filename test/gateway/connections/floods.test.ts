/** Who floods is thrown out, and others are served meanwhile. */
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Connection } from "#gateway/connections/connections";
import { Session } from "#gateway/connections/session";
import { OpenStreams } from "#gateway/traffic/streams";
import { Traffic } from "#gateway/traffic/traffic";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import { http1Oddities } from "../../hostile/attacks/p4/http1-oddities.js";
import { flood, floodNames } from "../../hostile/raw/floods.js";
import { oddities } from "../../hostile/raw/oddities.js";
import { paths } from "../../hostile/raw/paths.js";
import { RawSocket } from "../../hostile/raw/raw-http1.js";
import {
  END_STREAM,
  envelope,
  frame,
  frameTypes,
  RawHttp2,
  requestHeaders,
} from "../../hostile/raw/raw-http2.js";
import { bothPorts } from "../../hostile/target.js";
import { type Opened, open } from "../kit/open.js";

const PATIENCE_MS = 30_000;
const CANCEL = Buffer.from([0, 0, 0, 8]);
let opened: Opened;

beforeAll(async () => {
  opened = await open();
});
afterAll(() => opened.gateway.close(1_000));

const causes = (door: string) =>
  opened.counted.filter(
    ({ name, labels }) => name === "taskrun_connections_ended_total" && labels?.door === door,
  );

test.each([
  ["grpcPort", paths.watch],
  ["grpcPort", paths.list],
  ["httpPort", paths.watch],
  ["httpPort", paths.list],
] as const)(
  "streams that are cancelled at once cost their connection (%s %s)",
  { timeout: 2 * PATIENCE_MS },
  async (name, path) => {
    const before = causes(name.slice(0, 4)).length;
    const http2 = new RawHttp2(opened[name]);
    await http2.opened;
    const other = new RawHttp2(opened[name]);
    const round = (resets: number) => {
      for (let n = 0; n < resets; n++) {
        const id = http2.request(requestHeaders(path));
        http2.data(id, envelope(Buffer.from([0x0a, 1, 0x78])));
        http2.write(frame(frameTypes.reset, 0, id, CANCEL));
      }
    };
    round(limits.resetBurst - 10);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(http2.isClosed).toBe(false);
    round(100);
    await expect.poll(() => http2.isClosed, { timeout: PATIENCE_MS }).toBe(true);
    expect(http2.heardFrames(frameTypes.goaway)).toBe(1);
    expect(
      causes(name.slice(0, 4))
        .slice(before)
        .map(({ labels }) => labels?.cause),
    ).toEqual(["resets"]);

    const asked = other.request(requestHeaders(paths.healthCheck));
    other.data(asked, envelope(Buffer.alloc(0)), END_STREAM);
    await expect.poll(() => other.endedStreams.has(asked), { timeout: PATIENCE_MS }).toBe(true);
    expect(other.isClosed).toBe(false);
    other.end();
  },
);

test("streams that are cancelled after a while cost nothing", { timeout: 2 * PATIENCE_MS }, async () => {
  const http2 = new RawHttp2(opened.grpcPort);
  for (let round = 0; round < 2; round++) {
    const ids = Array.from({ length: 90 }, () => http2.request(requestHeaders(paths.reflection)));
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    for (const id of ids) http2.write(frame(frameTypes.reset, 0, id, CANCEL));
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(http2.isClosed).toBe(false);
  http2.end();
});

test.each(bothPorts)(
  "frames that carry nothing cost their connection, of whatever kind they are (%s)",
  { timeout: 2 * PATIENCE_MS },
  async (name) => {
    const ended = new AbortController();
    const target = { ...opened, signal: ended.signal, seconds: PATIENCE_MS / 1_000 };
    // Some Node ends by itself, at once; for the others their bytes are counted.
    await Promise.all(
      floodNames.map(async (kind) =>
        expect.soft([kind, await flood(target, name, kind, 1)]).toEqual([kind, 1]),
      ),
    );
    ended.abort();
  },
);

/** A session that has received so many bytes. */
function sessionOf(socket: { bytesRead: number }, end: () => void = () => expect.fail("ended")): Session {
  return new Session({} as ServerHttp2Session, new Connection(socket as Socket, () => {}), 0, end);
}

/** What peers send that is no flood, as bytes on the wire; so small that what stands around it is most of it. */
const explained: readonly [what: string, bytes: number, explain: (session: Session) => void][] = [
  ["content, a message of ten bytes a frame", 19, (session) => session.carried(10)],
  ["the window updates for an answer", 26, (session) => session.sent(100)],
  ["requests", 109, (session) => session.requested(100)],
];

test.each(explained)("what is explained by requests is no flood: %s", (_, bytes, explain) => {
  const socket = { bytesRead: 0 };
  const session = sessionOf(socket);
  for (let second = 0; second < 10; second++) {
    for (let n = 0; n < 500_000; n++) explain(session);
    socket.bytesRead += 500_000 * bytes;
    expect(session.overheadWithin()).toBe(true);
  }
});

test("what nothing explains may be so much a second", () => {
  const socket = { bytesRead: 0 };
  const session = sessionOf(socket);
  for (let second = 0; second < 60; second++) {
    socket.bytesRead += limits.frameOverheadPerSecond;
    expect(session.overheadWithin()).toBe(true);
  }
  socket.bytesRead += limits.frameOverheadBurst + limits.frameOverheadPerSecond + 1;
  expect(session.overheadWithin()).toBe(false);
});

test("a message in frames smaller than their heads is a flood", () => {
  const end = vi.fn();
  const session = sessionOf({ bytesRead: 0 }, end);
  for (let n = 0; n < limits.tinyFrameBurst; n++) session.carried(8);
  expect(end).not.toHaveBeenCalled();
  for (let n = 0; n < limits.tinyFrameBurst; n++) session.carried(8);
  expect(end).toHaveBeenCalledWith(session, "overhead");
});

test("empty requests are no flood, however many", () => {
  const session = sessionOf({ bytesRead: 0 });
  for (let n = 0; n < 10 * limits.tinyFrameBurst; n++) {
    session.requested(100);
    session.carried(5);
  }
});

test.each([
  ["grpcPort", paths.unary],
  ["grpcPort", paths.worker],
  ["httpPort", paths.unary],
  ["httpPort", paths.worker],
] as const)(
  "a message in frames of one byte each costs its connection (%s %s)",
  { timeout: 2 * PATIENCE_MS },
  async (name, path) => {
    const http2 = new RawHttp2(opened[name]);
    await http2.opened;
    const id = http2.request(requestHeaders(path));
    http2.data(id, envelope(Buffer.alloc(0), 100_000));
    const one = frame(frameTypes.data, 0, id, Buffer.from("x"));
    for (let sent = 0; sent < 20_000 && !http2.isClosed; sent += 1_000)
      await http2.flush(Buffer.concat(Array<Buffer>(1_000).fill(one)));
    await expect.poll(() => http2.isClosed, { timeout: PATIENCE_MS }).toBe(true);
    expect(http2.heardFrames(frameTypes.goaway)).toBe(1);
  },
);

test("no more streams are open than may be, whoever opens them", () => {
  const streams = new OpenStreams(new Traffic(silentTelemetry()).stalled);
  const open = Array.from({ length: limits.openStreams }, () => streams.open());
  expect(open.some(({ fault }) => fault)).toBe(false);
  expect(streams.open().fault?.reason).toBe("TOO_MANY_STREAMS");
  streams.close(open[0] as (typeof open)[number]);
  expect(streams.open().fault).toBeUndefined();
});

test("what streams keep for readers that pause is bounded, and who has paused longest goes", () => {
  const { stalled } = new Traffic(silentTelemetry());
  const streams = new OpenStreams(stalled);
  const slice = 256 * 1024;
  const many = Math.ceil(limits.bufferedBytesMost / slice) + 1;
  const open = Array.from({ length: many }, () => {
    const stream = streams.open();
    stream.keep(slice);
    return stream;
  });
  expect(open[0]?.fault?.reason).toBe("SENDING_FULL");
  expect(open.at(-1)?.fault).toBeUndefined();
  expect(stalled.bytes).toBeLessThanOrEqual(limits.bufferedBytesMost);
  for (const stream of open) streams.close(stream);
  expect(stalled.bytes).toBe(0);
});

test("whatever is odd about HTTP/1.1 is answered or closed, on both ports, and nothing fails inside", {
  timeout: 4 * PATIENCE_MS,
}, async () => {
  opened.errors.length = 0;
  await http1Oddities({ ...opened, seconds: 1, signal: new AbortController().signal });
  for (const [odd, bytes] of Object.entries(oddities)) {
    for (const name of bothPorts) {
      const socket = new RawSocket(opened[name]);
      socket.write(bytes);
      socket.socket.end();
      await Promise.race([socket.closed, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
      expect.soft([odd, name, socket.isClosed]).toEqual([odd, name, true]);
    }
  }
  expect(opened.errors).toEqual([]);
  expect((await fetch(`http://127.0.0.1:${opened.httpPort}/health/live`)).status).toBe(200);
});
