import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { clientOn } from "#client/client";
import type { TaskRunClient } from "#client/index";
import { type ControlPlane, startControlPlane } from "#control-plane";
import { LOCAL_CALLER } from "#domain/caller";
import type { Identify } from "#gateway/caller";
import type { Gateway } from "#gateway/server";
import { openGateway } from "#gateway/server";
import { silentTelemetry } from "#host/silent-telemetry";
import { InspectionHub } from "#inspect/hub";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { sharedConnection } from "#transport/shared";
import { Replay } from "./kit/replay.js";

interface Open {
  readonly control: ControlPlane;
  readonly gateway: Gateway;
  readonly hub: InspectionHub;
  readonly client: TaskRunClient;
  readonly port: number;
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(identify?: Identify): Promise<Open> {
  const telemetry = silentTelemetry();
  const hub = new InspectionHub({ telemetry });
  const control = await startControlPlane({ store: memoryStore(), telemetry, inspection: hub });
  const { plane, entropy, schemas } = control;
  const gateway = await openGateway({
    plane,
    entropy,
    telemetry,
    schemas,
    environment: "development",
    grpc: [],
    http: ["127.0.0.1:0"],
    inspection: hub,
    ...(identify && { identify }),
  });
  closers.push(
    () => control.stop(),
    () => gateway.close(1_000),
  );
  const client = clientOn(() => sharedConnection(gateway.transport), {});
  const port = Number(gateway.http[0]?.split(":").at(-1));
  return { control, gateway, hub, client, port };
}

/** A request for events, and what comes of it. */
class Events {
  readonly replay = new Replay();
  readonly dropped: number[] = [];
  readonly answer: IncomingMessage;
  text = "";

  private constructor(answer: IncomingMessage) {
    this.answer = answer;
    answer.setEncoding("utf8").on("data", (chunk: string) => this.#read(chunk));
    answer.on("error", () => undefined);
  }

  static async open(port: number, path = "/inspect/events", headers = {}): Promise<Events> {
    const asked = request({ host: "127.0.0.1", port, path, headers }).end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    closers.push(async () => void answer.destroy());
    return new Events(answer);
  }

  #read(chunk: string): void {
    this.text += chunk;
    if (this.answer.statusCode !== 200) return;
    const parts = this.text.split("\n\n");
    this.text = parts.pop() ?? "";
    for (const part of parts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? [];
      if (name === "inspect" && data) this.replay.take(data);
      if (name === "dropped" && data) this.dropped.push(JSON.parse(data).count);
    }
  }
}

test("a Task's events come as server-sent events, with who was there before", async () => {
  const { client, port } = await open();
  const before = await client.tasks.create({ agent: "echo" });
  const events = await Events.open(port);

  expect(events.answer.headers["content-type"]).toContain("text/event-stream");
  await expect.poll(() => [...events.replay.actors.keys()]).toContain(`step:${before.id}/main`);
  const { id } = await client.tasks.create({ agent: "echo" });
  await client.tasks.cancel(id);
  await expect.poll(() => events.replay.actors.get(`task:${id}`)?.value).toBe("cancelled");
  expect(events.replay.problems).toEqual([]);
  expect(events.replay.actors.get(`task:${before.id}`)).toMatchObject({
    value: "enqueuing_steps",
    context: { taskId: before.id, agentName: "echo" },
  });
});

test("of one Task come its own events only", async () => {
  const { client, port } = await open();
  const wanted = await client.tasks.create({ agent: "echo" });
  const events = await Events.open(port, `/inspect/events?task=${wanted.id}`);
  const other = await client.tasks.create({ agent: "echo" });
  await client.tasks.cancel(wanted.id);

  await expect.poll(() => events.replay.actors.get(`task:${wanted.id}`)?.value).toBe("cancelled");
  expect(events.replay.problems).toEqual([]);
  expect(JSON.stringify(events.replay.events)).not.toContain(other.id);
});

test.each([
  ["?task=", 400, "task is empty"],
  ["?task=a&task=b", 400, "more than once"],
  ["?task=none", 404, "none"],
  ["?task=%00%0a", 404, "NOT_FOUND"],
  ["?tsk=1", 400, "tsk is no parameter"],
])("a request that cannot be answered is refused with a reason: %s", async (query, status, text) => {
  const { port, hub } = await open();
  const events = await Events.open(port, `/inspect/events${query}`);
  await once(events.answer, "end");

  expect(events.answer.statusCode).toBe(status);
  expect(events.text).toContain(text);
  expect(hub.attached).toBe(false);
});

test("a web page of another host, and a caller of some namespaces, see nothing", async () => {
  const some = { ...LOCAL_CALLER, namespaces: ["a"] };
  const { port } = await open(({ header }) => (header("x-some") ? some : LOCAL_CALLER));
  const page = await Events.open(port, "/inspect/events", { origin: "https://evil.example" });
  const rebound = await Events.open(port, "/inspect/events", { host: "evil.example" });
  const caller = await Events.open(port, "/inspect/events", { "x-some": "1" });

  expect([page, rebound, caller].map(({ answer }) => answer.statusCode)).toEqual([403, 403, 403]);
});

test("more viewers than may be are told so, and one that leaves makes room", async () => {
  const { port, hub } = await open();
  const all = [];
  for (let i = 0; i < limits.inspectViewers; i += 1) all.push(await Events.open(port));
  const more = await Events.open(port);

  expect(more.answer.statusCode).toBe(503);
  for (const each of all) each.answer.destroy();
  await expect.poll(() => hub.attached).toBe(false);
  expect((await Events.open(port)).answer.statusCode).toBe(200);
});

test("a drain ends the streams", async () => {
  const { port, gateway } = await open();
  const events = await Events.open(port);
  const ended = once(events.answer, "end");
  await gateway.close(5_000);

  await ended;
});
