/** Somebody watches and does not read: nobody else is slower for it, and the server does not grow by it. */
import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "vitest";
import type { TaskEvent } from "#client/index";
import { WatchTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { expectWholeStory } from "./kit/content.js";
import { Stage, until } from "./kit/harness.js";
import { RawWorker, statuses } from "./kit/raw-worker.js";

const MIB = 1024 * 1024;
/** Three readers and one that stalls each have 16 MiB before them: what were kept for one would show. */
const CHUNKS = 512;
const CHUNK_BYTES = 32 * 1024;
/** A heap grows by itself under load; one that kept what three readers have taken and one has not grows on. */
const GROWTH_MAX = 100 * MIB;
/** Of a commit on a slow disk on a busy machine; one behind a stalled reader would wait for ever. */
const ACK_MS_MAX = 30_000;

const stage = new Stage();
afterAll(() => stage.end());

/** Opens a watch and never takes more than the first window of it. */
function stalledWatch(addr: string, id: string): () => void {
  const session = connect(`http://${addr}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/taskrun.v1.TaskService/WatchTask",
    ":authority": addr,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const request = toBinary(WatchTaskRequestSchema, create(WatchTaskRequestSchema, { id }));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(request.length, 1);
  stream.on("error", () => {}).end(Buffer.concat([head, request]));
  session.on("error", () => {});
  return () => session.destroy();
}

function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}

test("a watcher that never reads delays neither the worker nor the others, and costs little", async () => {
  const server = await stage.server();
  const client = stage.client(server.addr);
  const { id } = await client.tasks.create({ agent: "raw" });
  const close = stalledWatch(server.addr, id);
  const readers = Array.from({ length: 3 }, async () => {
    const events: TaskEvent[] = [];
    for await (const event of client.tasks.watch(id)) events.push(event);
    return events;
  });
  await until("all watch", async () => (await server.metric("taskrun_watchers")) === 4);
  const worker = new RawWorker(server.addr, { id: "raw" });
  const run = await worker.assigned(id);
  worker.status(run, statuses.RUNNING);
  const before = residentBytes(server.proc.pid);

  let slowest = 0;
  let acked = 0;
  for (let seq = 0; seq < CHUNKS; seq += 1) {
    const sentAt = performance.now();
    worker.output(run, seq, `${seq} `.padEnd(CHUNK_BYTES, "x"));
    acked = await until("the acknowledgement", () => {
      const ack = worker.heard.at(-1);
      return ack?.case === "ack" && Number(ack.value.nextSeq) > seq && Number(ack.value.nextSeq);
    });
    slowest = Math.max(slowest, performance.now() - sentAt);
  }
  worker.status(run, statuses.COMPLETED, { outputCount: BigInt(acked) });

  for (const events of await Promise.all(readers)) {
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    expect(events.filter(({ type }) => type === "output")).toHaveLength(CHUNKS);
  }
  expect(slowest).toBeLessThan(ACK_MS_MAX);
  expect(residentBytes(server.proc.pid) - before).toBeLessThan(GROWTH_MAX);
  expect(await server.metric("taskrun_watchers"), "the stalled one is still there").toBe(1);
  close();
  worker.close();
  await until("it is gone", async () => (await server.metric("taskrun_watchers")) === 0);
});

test("a worker that writes faster than the disk is held back, and all of it arrives", async () => {
  const server = await stage.server();
  const client = stage.client(server.addr);
  await stage.worker(server.addr, { id: "fast" });
  const input = { chunks: 300, bytes: CHUNK_BYTES };
  const { id } = await client.tasks.create({ agent: "writer", input });
  const events: TaskEvent[] = [];
  for await (const event of client.tasks.watch(id)) events.push(event);
  expectWholeStory(events);
  expect(events.filter(({ type }) => type === "output")).toHaveLength(300);
});
