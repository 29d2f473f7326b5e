import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { instant } from "#domain/time/time";
import { type Opened, open } from "../kit/open.js";
import { taskWithLog, watchRaw } from "../kit/raw-watch.js";

const LINES = 200;

let opened: Opened;
let id: TaskId;

beforeAll(async () => {
  opened = await open();
  const runId = "r" as RunId;
  const chat = (_: unknown, i: number): LogEntry => {
    return { type: "chat", at: instant(1), runId, role: 1, content: `line ${i}`, sentAt: 0 };
  };
  id = await taskWithLog(opened, Array.from({ length: LINES }, chat));
});

afterAll(() => opened.gateway.close(1_000));

test("events that are there together go out together", async () => {
  const { stream, end } = await watchRaw(opened.grpcPort, id);

  // Each HTTP/2 frame of data arrives as a piece of its own.
  const pieces: Buffer[] = [];
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await expect.poll(() => Buffer.concat(pieces).includes(`line ${LINES - 1}`)).toBe(true);
  expect(pieces.length).toBeLessThan(LINES / 10);
  end();
});
