/** No peer holds what it has not sent: what is announced, compressed, empty or tiny costs what came. */
import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Compressor } from "#gateway/traffic/compression";
import { limits } from "#limits/index";
import { BatchCreateTasksRequestSchema, CreateTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { announcedEnvelopes } from "../../hostile/attacks/p4/announced-envelopes.js";
import { emptyMessages } from "../../hostile/attacks/p4/empty-messages.js";
import { tinyFrames } from "../../hostile/attacks/p4/tiny-frames.js";
import { paths } from "../../hostile/raw/paths.js";
import { envelope } from "../../hostile/raw/raw-http2.js";
import { type Opened, open } from "../kit/open.js";
import { type RawAnswer, rawCall, rawPost } from "../kit/raw-call.js";

const MIB = 1024 * 1024;
const COMPRESSED = 1;
let opened: Opened;

beforeAll(async () => {
  opened = await open();
});
afterAll(() => opened.gateway.close(1_000));

/** The most memory that arrays took while something was done. */
async function peak(work: Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }, 20);
  await work;
  clearInterval(looking);
  return most;
}

const target = (seconds: number) => ({ ...opened, seconds, signal: new AbortController().signal });

test("six thousand announced messages of 4 MiB cost next to nothing", { timeout: 60_000 }, async () => {
  expect(await peak(announcedEnvelopes(target(3)))).toBeLessThan(64 * MIB);
});

test("messages in frames of a byte cost what they have", { timeout: 60_000 }, async () => {
  const heap = process.memoryUsage().heapUsed;
  expect(await peak(tinyFrames(target(3)))).toBeLessThan(128 * MIB);
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(256 * MIB);
});

test("empty messages wait as the five bytes that they are", { timeout: 60_000 }, async () => {
  expect(await peak(emptyMessages(target(2)))).toBeLessThan(128 * MIB);
});

const batch = (requests: number) =>
  create(BatchCreateTasksRequestSchema, { tasks: Array.from({ length: requests }, () => ({})) });
const two = toBinary(BatchCreateTasksRequestSchema, batch(2));

test.each<[string, (body: Buffer, compressed: boolean) => Promise<RawAnswer>]>([
  [
    "gRPC",
    (body, compressed) => rawCall(opened.grpcPort, paths.batch, framed(body, compressed), grpc(compressed)),
  ],
  [
    "gRPC over HTTP",
    (body, compressed) => rawCall(opened.httpPort, paths.batch, framed(body, compressed), grpc(compressed)),
  ],
  [
    "gRPC-Web",
    (body, compressed) =>
      rawCall(opened.httpPort, paths.batch, framed(body, compressed), {
        ...grpc(compressed),
        "content-type": "application/grpc-web+proto",
      }),
  ],
  [
    "Connect",
    (body, compressed) =>
      rawCall(opened.httpPort, paths.batch, body, {
        "content-type": "application/proto",
        ...(compressed && { "content-encoding": "gzip" }),
      }),
  ],
  [
    "Connect over HTTP/1.1",
    (body, compressed) =>
      rawPost(opened.httpPort, paths.batch, body, {
        "content-type": "application/proto",
        ...(compressed && { "content-encoding": "gzip" }),
      }),
  ],
])(
  "what a message expands to, and how much is in it, is bounded over %s",
  { timeout: 60_000 },
  async (_, send) => {
    const invalid = /^(?:3|400)$/;
    expect((await send(gzipSync(two), true)).text).toMatch(/agent_name/);

    const bomb = await send(gzipSync(Buffer.alloc(64 * MIB)), true);
    expect(bomb.status).toMatch(/^(?:8|429)$/);
    expect(bomb.text).toMatch(/the limit is 4194304 bytes/);
    expect((await send(Buffer.from("no gzip at all"), true)).status).toMatch(invalid);

    const many = Buffer.alloc(2 * (limits.messageElements + 1), Buffer.from([0x0a, 0]));
    for (const body of [many, gzipSync(many)]) {
      const refused = await send(body, body !== many);
      expect(refused.status).toMatch(invalid);
      expect(refused.text).toMatch(/more than 131072 elements/);
    }
    // As many as may be are read, and then refused for what they are.
    const most = await send(many.subarray(2), false);
    expect(most.text).not.toMatch(/elements/);
  },
);

test("JSON of very many elements is refused before it is read, and what is within strings does not count", async () => {
  const json = { "content-type": "application/json" };
  const many = `{"tasks":[${Array(300_000).fill("{}").join(",")}]}`;
  expect((await rawPost(opened.httpPort, paths.batch, Buffer.from(many), json)).text).toMatch(/elements/);

  const inputJson = JSON.stringify(Array(300_000).fill('"'));
  const request = create(CreateTaskRequestSchema, { agentName: "a", inputJson });
  const body = Buffer.from(toJsonString(CreateTaskRequestSchema, request));
  expect((await rawPost(opened.httpPort, paths.unary, body, json)).text).toMatch(/limit is 1048576/);
});

test("a few messages are expanded at once, whatever came", { timeout: 60_000 }, async () => {
  const compressor = new Compressor();
  const largest = gzipSync(Buffer.alloc(limits.messageBytes));
  let expanded = 0;
  const all = Array.from({ length: 60 }, async () => {
    const { length } = await compressor.expand(largest, "gzip");
    expanded += length;
  });
  // Some of those that are done have not been collected yet.
  expect(await peak(Promise.all(all))).toBeLessThan(120 * MIB);
  expect(expanded).toBe(60 * limits.messageBytes);
});

test("nothing is expanded for who has gone meanwhile", async () => {
  const compressor = new Compressor();
  const broken = Buffer.from("no gzip at all");
  let here = true;
  const asked = Array.from({ length: 2 * limits.compressing }, () =>
    compressor.expand(broken, "gzip", () => here).catch(({ code }) => code),
  );
  here = false;
  const became = await Promise.all(asked);
  expect(became.filter((code) => code === "invalid")).toHaveLength(limits.compressing);
  expect(became.filter((code) => code === "unavailable")).toHaveLength(limits.compressing);
});

function framed(body: Buffer, compressed: boolean): Buffer {
  return envelope(body, undefined, compressed ? COMPRESSED : 0);
}

function grpc(compressed: boolean): Record<string, string> {
  return { "content-type": "application/grpc", ...(compressed && { "grpc-encoding": "gzip" }) };
}
