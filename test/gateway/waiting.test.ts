/** Requests that wait for a Task, on every listener: their answers, deadlines, cancels, bounds, and the end of the server. */
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { rpcs } from "#gateway/handlers/index";
import type { Call } from "#gateway/rpc";
import { limits } from "#limits/index";
import { TaskStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  RunTaskRequestSchema,
  type Task,
  TaskService,
  WaitTaskRequestSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { requestOf, servicesFor } from "../api/services.js";
import { allMounts, type Mount, type Seen } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";
import { taskWithLog } from "./kit/raw-watch.js";
import { framed, sent, type Way, way } from "./kit/ways.js";

let opened: Opened;
let mounts: readonly Mount[];
beforeEach(async () => {
  opened = await open();
  mounts = allMounts(opened);
});
afterEach(async () => {
  for (const mount of mounts) mount.close();
  await opened.gateway.close(1_000);
  expect(opened.errors).toEqual([]);
});

const { runTask, waitTask } = TaskService.method;
const ask = (
  mount: Mount,
  request: Exclude<MessageInitShape<typeof RunTaskRequestSchema>, { $typeName: string }>,
) => mount.call(runTask, [create(RunTaskRequestSchema, request)]);
const wait = (mount: Mount, id: string, waitMs = 0n) =>
  mount.call(waitTask, [create(WaitTaskRequestSchema, { id, waitMs })]);
const waiting = (count: number) => expect.poll(() => opened.plane.waiters.count).toBe(count);
const taskOf = ({ answers }: Seen) => answers[0] as Task | undefined;
const rpcsCounted = () =>
  opened.counted
    .filter(
      ({ name, labels }) => name === "taskrun_requests_total" && /(Run|Wait)Task$/.test(`${labels?.rpc}`),
    )
    .map(({ labels }) => labels?.code);

test("RunTask and WaitTask answer on every mount when the Task ends, with its result", async () => {
  for (const mount of mounts) {
    const ran = ask(mount, { task: { agentName: "a", inputJson: '{"n":1}' } });
    await waiting(1);
    const id = opened.plane.drafts.at(-1)?.id as TaskId;
    const waited = wait(mount, id);
    await waiting(2);
    opened.plane.finish(id, "complete", '{"answer":42}');
    const seen = [taskOf(await ran), taskOf(await waited)];
    const whole = { id, status: TaskStatus.COMPLETED, outputJson: '{"answer":42}', inputJson: '{"n":1}' };
    expect(seen, mount.name).toMatchObject([whole, whole]);
    expect(opened.plane.waiters.count).toBe(0);
  }
  expect(new Set(rpcsCounted())).toEqual(new Set(["OK"]));
});

test("after wait_ms both answer on every mount with the Task as it stands", async () => {
  for (const mount of mounts) {
    const task = taskOf(await ask(mount, { task: { agentName: "a" }, waitMs: 20n }));
    expect(task, mount.name).toMatchObject({ status: TaskStatus.PENDING, agentName: "a" });
    const again = taskOf(await wait(mount, task?.id ?? "", 20n));
    expect(again, mount.name).toMatchObject({ id: task?.id, status: TaskStatus.PENDING });
  }
  expect(opened.plane.waiters.count).toBe(0);
});

test("what cannot be waited for is refused on every mount, by the field or the id", async () => {
  for (const mount of mounts) {
    const errorOf = async (asked: Promise<Seen>) => {
      const { code, fields, message } = (await asked).error ?? {};
      return [code, fields?.join(), message?.slice(0, 60)].join(" | ");
    };
    expect(
      [
        await errorOf(ask(mount, {})),
        await errorOf(ask(mount, { task: { agentName: "a" }, waitMs: -1n })),
        await errorOf(wait(mount, "")),
        await errorOf(wait(mount, "x", 600_001n)),
        await errorOf(wait(mount, "nobody")),
      ],
      mount.name,
    ).toEqual([
      "3 | task.agent_name | task.agent_name or template is required: name the agent that",
      "3 | wait_ms | wait_ms is -1; send a number from 0 to 600000: milliseconds,",
      "3 | id | id is required: send the id of a Task, as CreateTask answere",
      "3 | wait_ms | wait_ms is 600001; send a number from 0 to 600000: milliseco",
      "5 |  | Task not found: nobody",
    ]);
  }
  expect(opened.plane.drafts).toEqual([]);
});

test("a server that stops tells every wait to come again, and does not wait for them", async () => {
  const ids = await Promise.all(mounts.map(() => taskWithLog(opened, [])));
  const waits = mounts.map((mount, i) => wait(mount, ids[i] ?? ""));
  await waiting(mounts.length);
  const begin = performance.now();
  const closed = opened.gateway.close(60_000);
  const errors = (await Promise.all(waits)).map(({ error }) => error);
  for (const [i, error] of errors.entries()) {
    expect(error, mounts[i]?.name).toMatchObject({ code: 14, reason: "DRAINING", retrySeconds: 1 });
  }
  expect(opened.plane.waiters.count).toBe(0);
  for (const mount of mounts) mount.close();
  await closed;
  expect(performance.now() - begin).toBeLessThan(20_000);
});

const ways = [
  way("grpcPort", "application/grpc", "/taskrun.v1.TaskService/WaitTask"),
  way("httpPort", "application/grpc", "/taskrun.v1.TaskService/WaitTask"),
  way("httpPort", "application/grpc-web", "/taskrun.v1.TaskService/WaitTask"),
  way("httpPort", "application/proto", "/taskrun.v1.TaskService/WaitTask"),
  way("httpPort", "application/json", "/taskrun.v1.TaskService/WaitTask"),
];
const bytesOf = ({ isJson, isFramed }: Way, id: string) => {
  const bytes = isJson
    ? Buffer.from(JSON.stringify({ id }))
    : Buffer.from(toBinary(WaitTaskRequestSchema, create(WaitTaskRequestSchema, { id })));
  return isFramed ? framed(bytes) : bytes;
};

test.each(ways)("a deadline that passes ends the wait: $name", async (of) => {
  const id = await taskWithLog(opened, []);
  const headers: Record<string, string> = of.type.includes("grpc")
    ? { "grpc-timeout": "80m" }
    : { "connect-timeout-ms": "80" };
  const asked = sent(opened, of, bytesOf(of, id), { headers });
  expect(await asked).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
  expect([opened.plane.waiters.count, rpcsCounted()]).toEqual([0, ["DEADLINE_EXCEEDED"]]);
});

test.each(ways)("a caller that is gone no longer waits: $name", async (of) => {
  const id = await taskWithLog(opened, []);
  for (const way of ["reset", "connection"] as const) {
    opened.counted.length = 0;
    const session = connect(`http://127.0.0.1:${opened[of.listener]}`);
    const stream = session.request({
      ":method": "POST",
      ":path": of.path,
      te: "trailers",
      "content-type": of.type,
    });
    stream.on("error", () => undefined);
    stream.end(bytesOf(of, id));
    await waiting(1);
    if (way === "reset") stream.close(8);
    else session.destroy();
    await waiting(0);
    await expect.poll(rpcsCounted).toEqual(["CANCELLED"]);
    session.destroy();
  }
});

test("a caller over HTTP/1.1 that is gone no longer waits either", async () => {
  const id = await taskWithLog(opened, []);
  const asked = httpRequest({
    ...{ host: "127.0.0.1", port: opened.httpPort, method: "POST", agent: false },
    path: "/taskrun.v1.TaskService/WaitTask",
    headers: { "content-type": "application/json" },
  });
  asked.on("error", () => undefined);
  asked.end(JSON.stringify({ id, waitMs: "60000" }));
  await waiting(1);
  asked.destroy();
  await waiting(0);
  await expect.poll(rpcsCounted).toEqual(["CANCELLED"]);
});

test("if too many wait already nothing is created, and the caller is told when to come again", async () => {
  const { plane } = opened;
  while (plane.waiters.count < limits.waiters) plane.wait(LOCAL_CALLER, `t${plane.waiters.count}` as TaskId);
  for (const mount of mounts) {
    const { error } = await ask(mount, { task: { agentName: "a" } });
    expect(error, mount.name).toMatchObject({ code: 8, reason: "TOO_MANY_WAITERS", retrySeconds: 1 });
  }
  expect(plane.drafts).toEqual([]);
});

test("a hundred waits on one connection are answered together, though each answer could be large", async () => {
  const [mount] = mounts;
  if (!mount) return;
  const count = limits.streamsPerClientConnection;
  const waits = Array.from({ length: count }, () => ask(mount, { task: { agentName: "a" } }));
  await waiting(count);
  for (const { id } of opened.plane.drafts) opened.plane.finish(id, "complete", "1");
  const seen = await Promise.all(waits);
  expect(seen.map((each) => taskOf(each)?.outputJson)).toEqual(Array.from({ length: count }, () => "1"));
});

test("a request that waits does not keep its message, with the input in it", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { plane } = opened;
  const rpc = rpcs.find(({ method }) => method === runTask);
  if (rpc?.kind !== "unary") throw new Error("RunTask is not served");
  const kept: WeakRef<object>[] = [];
  const begin = () => {
    const message = create(RunTaskRequestSchema, { task: { agentName: "a", inputJson: "[1]" } });
    kept.push(new WeakRef(message));
    if (message.task) kept.push(new WeakRef(message.task));
    return rpc.handle(message, requestOf(servicesFor(plane)) as Call);
  };
  const answer = begin();
  await waiting(1);
  const id = plane.drafts.splice(0)[0]?.id as TaskId;
  await new Promise((resolve) => setTimeout(resolve, 20));
  collect();
  expect(kept.map((each) => each.deref())).toEqual([undefined, undefined]);
  plane.finish(id, "complete", "1");
  expect(await answer).toMatchObject({ id, outputJson: "1" });
});
