/**
 * Maps whose members share a large input: the server's memory stays flat however many of them there are, whether
 * workers read the input by reference or get it whole, and also where one of them stops reading.
 */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { hasEnded, type TaskRunClient } from "#client/index";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { agent } from "#worker/agent/agent";
import { serve, type WorkerHandle } from "#worker/serve";
import { pause, type Server, Stage, until } from "./kit/harness.js";
import { PublicWorker } from "./kit/public-worker.js";

const MEMBERS = 990;
const MIB = 1024 * 1024;
const MEMORY_MAX = 600 * MIB;
/** A minute or two of one core; a machine that has more to do takes longer. */
const PATIENCE_MS = 500_000;
const LONG = { timeout: PATIENCE_MS + 60_000 };

const source = JSON.stringify({
  name: "each",
  namespace_name: "default",
  version: "1.0.0",
  steps: [
    {
      name: "each",
      type: "map",
      map: { over: "input/list", concurrency: MEMBERS },
      handler: { callable: "length" },
    },
  ],
});
const input = { list: Array.from({ length: MEMBERS }, (_, i) => i), pad: "x".repeat(MIB - 8_000) };

let stage: Stage;
let server: Server;
let client: TaskRunClient;
const workers: WorkerHandle[] = [];
/** Inputs as the agents have seen them: all must have the same length and their own item. */
let seen: string[];

const measure = agent({
  name: "length",
  input: z.object({ pad: z.string(), item: z.number(), index: z.number() }),
  run: async ({ pad, item, index }) => {
    seen.push(`${pad.length} ${item === index}`);
    return item;
  },
});

beforeEach(async () => {
  seen = [];
  stage = new Stage();
  server = await stage.server({ lease: "30s", heartbeat: "2s" });
  client = stage.client(server.addr);
  await client.templates.register(source);
});
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
  await stage.end();
});

async function work(maxRuns: number): Promise<void> {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  workers.push(await serve({ agents: [measure], addr: server.addr, maxRuns, handleSignals: false, log }));
}

/** The most memory the server has had since it was started. */
function peak(): number {
  const status = readFileSync(`/proc/${server.proc.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Asks as often as it takes: a machine that has more to do may not answer in time. */
async function create(idempotencyKey: string, members = MEMBERS): Promise<string> {
  const some = { ...input, list: input.list.slice(0, members) };
  const request = { template: { name: "each" }, input: some, idempotencyKey };
  return (await until(idempotencyKey, () => client.tasks.create(request), PATIENCE_MS)).id;
}

/** Asked seldom: each answer has the input and a thousand steps in it. */
async function result(id: string): Promise<string> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(2_000)) {
    const task = await client.tasks.get(id).catch(() => undefined);
    if (!task || !hasEnded(task)) continue;
    return task.status === "COMPLETED" ? (task.outputJson ?? "") : `${task.status} ${task.errorMessage}`;
  }
  return `not within ${PATIENCE_MS} ms`;
}

const whole = JSON.stringify(input.list);

test(
  "six maps of 990 members over an input of 1 MiB run at once, through the death of their server",
  LONG,
  async () => {
    const ids: string[] = [];
    for (const key of ["a", "b", "c", "d", "e", "f"]) ids.push(await create(key));
    await work(1_000);
    await until("some have run", () => seen.length > 200, PATIENCE_MS);
    expect(peak()).toBeLessThan(MEMORY_MAX);
    await server.restart();

    for (const id of ids) expect(await result(id)).toBe(whole);
    expect(new Set(seen)).toEqual(new Set([`${input.pad.length} true`]));
    expect(peak()).toBeLessThan(MEMORY_MAX);
  },
);

test(
  "a public worker gets the input whole, as fast as it reads, beside one that reads nothing",
  LONG,
  async () => {
    const stalled = new PublicWorker(server.addr, "stalled");
    await stalled.headers();
    stalled.hello("length", 1_000);
    stalled.stop();
    const reader = new PublicWorker(server.addr, "reader");
    await reader.headers();
    reader.hello("length");

    const id = await create("public", 300);
    let inputs = 0;
    const done = await until(
      "the task ends",
      async () => {
        for (const frame of reader.heard.splice(0)) {
          if (frame.case !== "assignRun") continue;
          const { inputJson, inputRef, runId } = frame.value;
          const { pad, item, index } = JSON.parse(inputJson);
          inputs += Number(pad === input.pad && item === index && inputRef === undefined);
          reader.status(runId, RunStatus.COMPLETED);
        }
        return inputs >= 280;
      },
      PATIENCE_MS,
    );
    expect(done).toBe(true);
    expect((await client.tasks.get(id)).status).toBe("RUNNING");
    expect(peak()).toBeLessThan(MEMORY_MAX);
    stalled.close();
    reader.close();
  },
);
