import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test, vi } from "vitest";
import { createClient, TaskRunError } from "#client/index";
import { limits } from "#limits/index";
import { readAddresses } from "#transport/addresses";
import { Servers } from "#transport/servers";
import { TaskSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { serve } from "#worker/index";
import { deadAddr, fakePlane, lifeOf, type TaskRpcs } from "../client/fake-plane.js";
import { open } from "../gateway/kit/open.js";
import { echo, silent, startPlane } from "../worker/kit/workbench.js";

/** Addresses are tried in the order in which they are given. */
function inOrder(): void {
  vi.spyOn(Math, "random").mockReturnValue(0.999_999);
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
}

const failure = (promise: Promise<unknown>): Promise<TaskRunError> =>
  promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error,
  );

/** Accepts connections, and never says a word. */
async function silentAddr(): Promise<string> {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}

const plane = async (tasks: TaskRpcs, workers = {}) => {
  const fake = await fakePlane(tasks, workers);
  onTestFinished(() => fake[Symbol.asyncDispose]());
  return fake;
};
const clientOf = (...addr: string[]) => {
  const client = createClient({ addr });
  onTestFinished(() => client.close());
  return client;
};
const named = (id: string) => create(TaskSchema, { id, status: 2 });

test.each([
  ["a,b:1", ["http://a:50051", "http://b:1"]],
  [" a , b\n", ["http://a:50051", "http://b:50051"]],
  [
    ["a", "::1"],
    ["http://a:50051", "http://[::1]:50051"],
  ],
  [
    ["https://a", "https://b/x"],
    ["https://a", "https://b/x"],
  ],
])("%j are addresses", (given, urls) => {
  expect(readAddresses(given)).toEqual({ urls });
});

const badLists: readonly [string | readonly string[], string][] = [
  [[], "addr [] is an empty list"],
  ["a,,b", 'addr "a,,b" has an empty place'],
  ["a,", 'addr "a," has an empty place'],
  [["a", " "], 'addr ["a"," "] has an empty place'],
  ["a,a:50051", "names a:50051 twice"],
  [["http://a", "https://b"], "has servers with https:// and without"],
  ["a b", 'addr "a b" has a space in it; commas separate several addresses'],
  ["a,b:0", 'addr "b:0" has the port 0'],
  [["a,b", "c"], 'addr "a,b" is a list within a list'],
  [[5 as unknown as string], "addr 5 is empty"],
  [Array.from({ length: 17 }, (_, i) => `h${i}`), "names 17 servers; 16 at most"],
];
test.each(badLists)("%j are no addresses, for a client and for a worker", async (addr, problem) => {
  const wrong = await failure((async () => createClient({ addr }))());
  expect(wrong).toBeInstanceOf(TaskRunError);
  expect(wrong).toMatchObject({ code: "INVALID_ARGUMENT", violations: [{ field: "addr" }] });
  expect(wrong.message).toContain(problem);
  const agents = [echo(async () => 1)];
  await expect(serve({ agents, addr, handleSignals: false })).rejects.toThrow(wrong.message);
});

test("the environment may name several, too", async () => {
  const there = await plane({}, { listWorkers: () => ({ workers: [] }) });
  vi.stubEnv("TASKRUN_ADDR", `${await deadAddr()}, ${there.addr}`);
  const client = createClient();
  expect(await client.workers.list()).toEqual([]);
  client.close();
  vi.unstubAllEnvs();
});

test("of one that is refused, one that is silent, one that is nowhere, and a real one the real one is used, and soon", async () => {
  const opened = await open();
  onTestFinished(() => opened.gateway.close(1_000));
  inOrder();
  const client = clientOf(
    await deadAddr(),
    await silentAddr(),
    "no-such-host.invalid",
    `127.0.0.1:${opened.grpcPort}`,
  );
  const began = performance.now();
  expect(await client.workers.list()).toEqual([]);
  expect(performance.now() - began).toBeLessThan(limits.addressAnswer);
  await Promise.all(Array.from({ length: 50 }, () => client.workers.list()));
});

test("if none answers, the error says of each why", async () => {
  const [dead, quiet] = [await deadAddr(), await silentAddr()];
  inOrder();
  const error = await failure(clientOf(dead, quiet).tasks.get("x"));
  expect(error).toMatchObject({
    code: "UNAVAILABLE",
    reason: "CANNOT_CONNECT",
    message: `cannot connect to ${dead}, ${quiet}: ${dead}: ECONNREFUSED ${dead}; ${quiet}: no answer within 2000 ms`,
  });
});

test("looking for a server takes no longer than the call may", async () => {
  const client = clientOf(await silentAddr(), await silentAddr());
  const began = performance.now();
  expect(await failure(client.tasks.get("x", { timeoutMs: 100 }))).toMatchObject({
    code: "DEADLINE_EXCEEDED",
  });
  const signal = AbortSignal.timeout(100);
  expect(await failure(client.tasks.get("x", { signal }))).toMatchObject({ code: "CANCELLED" });
  expect(performance.now() - began).toBeLessThan(1_500);
});

test("a read under way is sent to another server when its own is gone; a request that may have been carried out is not", async () => {
  const heard: string[] = [];
  const dying = await plane({
    getTask: async () => {
      dying.cut();
      await setTimeout(10_000, undefined, { ref: false });
      return named("late");
    },
    cancelTask: async ({ id }) => {
      heard.push(`first ${id}`);
      dying.cut();
      await setTimeout(10_000, undefined, { ref: false });
      return named(id);
    },
  });
  const other = await plane({
    getTask: ({ id }) => named(id),
    cancelTask: ({ id }) => {
      heard.push(`second ${id}`);
      return named(id);
    },
  });
  inOrder();
  expect(await clientOf(dying.addr, other.addr).tasks.get("t1")).toMatchObject({ id: "t1" });

  const client = clientOf(dying.addr, other.addr);
  expect(await failure(client.tasks.cancel("t2"))).toMatchObject({ code: "UNAVAILABLE" });
  expect(heard).toEqual(["first t2"]);
  await client.tasks.cancel("t2");
  expect(heard).toEqual(["first t2", "second t2"]);
});

test("a create whose server is gone is repeated at another one, with its key", async () => {
  const keys: string[] = [];
  const dying = await plane({
    createTask: async ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      dying.cut();
      await setTimeout(10_000, undefined, { ref: false });
      return named("late");
    },
  });
  const other = await plane({
    createTask: ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      return named("made");
    },
  });
  inOrder();
  const task = await clientOf(dying.addr, other.addr).tasks.create({ agent: "a", input: {} });
  expect(task.id).toBe("made");
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBe(keys[1]);
});

test("a server that says that it is stopping is left, and a watch goes on at another one after the last event", async () => {
  const life = lifeOf("t1", ["one", "two", "three"]);
  const asked: string[] = [];
  const watch = (name: string, last: number, then?: () => Error): NonNullable<TaskRpcs["watchTask"]> =>
    async function* ({ afterSeq }) {
      asked.push(`${name} after ${afterSeq}`);
      yield* life.filter(({ seq }) => seq > afterSeq && seq <= BigInt(last));
      if (then) throw then();
    };
  const stopping = () => new ConnectError("the server is stopping", Code.Unavailable);
  const first = await plane({ watchTask: watch("first", 3, stopping) });
  const second = await plane({ watchTask: watch("second", life.length), getTask: ({ id }) => named(id) });
  inOrder();
  const seqs: number[] = [];
  const client = clientOf(first.addr, second.addr);
  for await (const { seq } of client.tasks.watch("t1")) seqs.push(seq);
  expect(seqs).toEqual(life.map(({ seq }) => Number(seq)));
  expect(asked).toEqual(["first after 0", "second after 3"]);
  expect(await client.tasks.get("t1")).toMatchObject({ id: "t1" }); // the second one is still used
});

test("a server that no longer answers is looked at before it is used again, and another one is used", async () => {
  let pauses = false;
  const paused = await plane({
    getTask: async ({ id }) => {
      if (pauses) await setTimeout(10_000, undefined, { ref: false });
      return named(id);
    },
  });
  const other = await plane({ getTask: ({ id }) => named(`${id} by another`) });
  inOrder();
  const client = clientOf(paused.addr, other.addr);
  expect(await client.tasks.get("t1")).toMatchObject({ id: "t1" });
  pauses = true;
  expect(await failure(client.tasks.get("t2", { timeoutMs: 50 }))).toMatchObject({
    code: "DEADLINE_EXCEEDED",
  });
  pauses = false;
  // It answers a probe, so it is used on.
  expect(await client.tasks.get("t3")).toMatchObject({ id: "t3" });
});

test("clients spread over the servers", async () => {
  const counts = new Map<string, number>();
  let seed = 1;
  const draw = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let i = 0; i < 3_000; i += 1) {
    const url = await new Servers(["a", "b", "c"], async () => {}, draw).find();
    counts.set(url, (counts.get(url) ?? 0) + 1);
  }
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(120);
});

test("of calls that fail together only the first leaves the server: the next one is not passed over", async () => {
  const tried: string[] = [];
  const probe = async (url: string) => void tried.push(url);
  const servers = new Servers(["a", "b", "c"], probe, () => 0.999);
  expect(await servers.find()).toBe("a");
  for (let i = 0; i < 5; i += 1) servers.leave("a", false);
  expect(await servers.find()).toBe("b");
  servers.leave("b", true);
  servers.leave("a", false);
  expect(await servers.find()).toBe("c");
  servers.leave("c", false);
  servers.leave("a", false);
  expect(await servers.find()).toBe("b"); // said itself that it was stopping: it is not probed again
  expect(tried).toEqual(["a", "b", "c"]);
});

test("a worker goes to another server with the runs that it holds, when its own is cut, stops, or ends the stream", async () => {
  const [first, second] = [await startPlane(), await startPlane()];
  inOrder();
  const agents = [echo(() => new Promise(() => {}))];
  const worker = await serve({ agents, addr: [first.addr, second.addr], log: silent, handleSignals: false });
  onTestFinished(() => worker.close());
  const one = await first.greet();
  one.assign({ runId: "r1" });
  await expect.poll(() => worker.activeRuns).toBe(1);
  first.cut();
  const two = await second.accept();
  expect((await two.hear("hello")).resume.map(({ runId }) => runId)).toEqual(["r1"]);
  two.welcome();
  two.failure = new ConnectError("the server is stopping", Code.Unavailable);
  two.end();
  const three = await first.accept();
  expect((await three.hear("hello")).resume.map(({ runId }) => runId)).toEqual(["r1"]);
  three.welcome();
  three.end();
  const four = await second.accept();
  expect((await four.hear("hello")).resume.map(({ runId }) => runId)).toEqual(["r1"]);
});

test("a worker whose first addresses are dead and silent connects to the one that is there", async () => {
  const there = await startPlane();
  inOrder();
  const addr = [await deadAddr(), await silentAddr(), there.addr];
  const worker = await serve({ agents: [echo(async () => 1)], addr, log: silent, handleSignals: false });
  onTestFinished(() => worker.close());
  await there.greet();
});
