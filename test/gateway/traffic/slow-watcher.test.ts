import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { instant } from "#domain/time/time";
import { taskService } from "#gateway/handlers/task-service";
import type { StreamCall } from "#gateway/rpc";
import { WatchTaskRequestSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { requestOf, servicesFor } from "../../api/services.js";
import { type Opened, open } from "../kit/open.js";
import { taskWithLog, watchRaw } from "../kit/raw-watch.js";

const CHUNK = 64 * 1024;
const MIB = 1024 * 1024;
/** On a machine with more to do than cores. */
const PATIENCE_MS = 20_000;

let opened: Opened;
let id: TaskId;

beforeAll(async () => {
  opened = await open();
  const entry = (seq: number): LogEntry => ({
    type: "output",
    at: instant(1),
    runId: "r" as RunId,
    fence: 1,
    seq,
    content: "x".repeat(CHUNK),
    isFinal: false,
    metadata: {},
    sentAt: 0,
  });
  id = await taskWithLog(
    opened,
    Array.from({ length: 400 }, (_, seq) => entry(seq)),
  );
});

afterAll(() => opened.gateway.close(1_000));

test.each(["grpcPort", "httpPort"] as const)(
  "a watcher that does not read costs at most 1 MiB (%s)",
  { timeout: 3 * PATIENCE_MS },
  async (listener) => {
    opened.plane.slicesRead = 0;
    const { stream, end } = await watchRaw(opened[listener], id); // and then nothing is read

    // What was taken from the log settles, because nobody takes more.
    let before = -1;
    await expect
      .poll(
        () => {
          const settled = opened.plane.slicesRead > 0 && opened.plane.slicesRead === before;
          before = opened.plane.slicesRead;
          return settled;
        },
        { interval: 100, timeout: PATIENCE_MS },
      )
      .toBe(true);
    expect(opened.plane.slicesRead * CHUNK).toBeLessThan(MIB);

    stream.resume(); // the reader comes back and gets all the rest
    await expect.poll(() => opened.plane.slicesRead, { timeout: PATIENCE_MS }).toBe(400);
    end();
  },
);

test.each(["grpcPort", "httpPort"] as const)(
  "a watcher that leaves is over, whatever it had still to read (%s)",
  { timeout: 3 * PATIENCE_MS },
  async (listener) => {
    opened.plane.sliceEntries = 20;
    const { end } = await watchRaw(opened[listener], id);
    await expect.poll(() => opened.plane.watchers, { timeout: PATIENCE_MS }).toBe(1);
    end();
    await expect.poll(() => opened.plane.watchers, { timeout: PATIENCE_MS }).toBe(0);
  },
);

test("a slice of the log counts as kept for its watcher until all of it has been taken", async () => {
  opened.plane.sliceEntries = 4;
  const rpc = taskService.find(({ method }) => method.localName === "watchTask");
  if (rpc?.kind !== "server_streaming") throw new Error("WatchTask is no stream");
  const kept: number[] = [];
  const call: Partial<StreamCall> = {
    ...requestOf(servicesFor(opened.plane)),
    signal: AbortSignal.timeout(PATIENCE_MS),
    keep: (bytes) => kept.push(bytes),
  };
  const request = create(WatchTaskRequestSchema, { id });
  const events = rpc.handle(request, call as StreamCall)[Symbol.asyncIterator]();
  for (let n = 1; n <= 4; n++) await events.next();
  expect(kept).toEqual([4 * CHUNK]);
  await events.next();
  expect(kept).toEqual([4 * CHUNK, 0, 4 * CHUNK]);
  await events.return?.();
});
