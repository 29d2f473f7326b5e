import {
  create,
  type DescMethod,
  type Message,
  type MessageInitShape,
  toJsonString,
} from "@bufbuild/protobuf";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { vi } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { type ControlPlane, startControlPlane } from "#control-plane";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { type Gateway, openGateway } from "#gateway/server";
import { jsonSchemas } from "#host/schemas";
import type { Reads } from "#ports/store-reads";
import { memoryStore } from "#stores/memory/index";
import { TaskState } from "#wire/gen/taskrun/v1/common_pb";
import { PauseKind, PauseService } from "#wire/gen/taskrun/v1/pause_service_pb";
import {
  RunClientMessageSchema,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";

/** Somebody whose namespace has the same name. */
function callerOf(who: string): Caller {
  return { principal: `jwt:${who}`, namespaces: [who], roles: ["admin"] };
}

export const as = (who: string) => ({ headers: { "x-who": who } });

type Payload = MessageInitShape<typeof RunClientMessageSchema>["payload"];

/** A worker's stream, message by message. */
export interface Stream {
  say(payload: Payload): void;
  readonly heard: readonly RunServerMessage[];
  /** Why it has ended, once it has: code and text. */
  readonly failure: Promise<unknown>;
  /** The first message of a kind. */
  first<Case extends RunServerMessage["payload"]["case"]>(
    kind: Case,
  ): Promise<Extract<RunServerMessage["payload"], { case: Case }>["value"]>;
  close(): void;
}

/** A plane that is served to two who may use a namespace each. */
export interface World {
  readonly gateway: Gateway;
  readonly transport: Transport;
  readonly httpPort: number;
  readonly keys: KeyRing;
  /** The reads of the store since this was emptied, in words. */
  readonly reads: string[];
  /** What turns have loaded since this was emptied: the texts that were asked for, in order. */
  readonly loads: (readonly string[])[];
  connect(
    who: string,
    info: { workerId: string; namespaces?: string[]; agents: { name: string }[] },
    resume?: readonly { runId: string; fence: number; nextSeq: bigint }[],
  ): Promise<Stream>;
  /** A stream on which nothing was said yet. */
  open(who: string): Stream;
  stop(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const inner = memoryStore();
  const reads: string[] = [];
  const loads: (readonly string[])[] = [];
  const store = new Proxy(inner, {
    get: (target, name) => {
      if (name === "reads") return counted(target.reads, reads);
      if (name !== "load") return bound(target, name);
      return (...[needs, fresh]: Parameters<typeof inner.load>) => {
        loads.push(textsIn(needs));
        return inner.load(needs, fresh);
      };
    },
  });
  const control: ControlPlane = await startControlPlane({ store });
  if (!inner.credentials) throw new Error("the memory store keeps keys");
  const keys = new KeyRing({ store: inner.credentials, now: () => instant(Date.now()) });
  const gateway = await openGateway({
    ...{ plane: control.plane, entropy: control.entropy, telemetry: control.telemetry },
    ...{ schemas: jsonSchemas(), environment: "test", keys, grpc: [], http: ["127.0.0.1:0"] },
    identify: ({ header }) => callerOf(header("x-who") ?? "nobody"),
  });
  const streams: Stream[] = [];
  const world: World = {
    gateway,
    transport: gateway.transport,
    httpPort: Number(gateway.http[0]?.split(":").at(-1)),
    keys,
    reads,
    loads,
    open: (who) => {
      const stream = openStream(gateway.transport, who);
      streams.push(stream);
      return stream;
    },
    async connect(who, info, resume = []) {
      const stream = world.open(who);
      const instance = `process of ${who}`;
      stream.say({ case: "hello", value: { info, protocol: 2, instance, resume: [...resume] } });
      await stream.first("welcome");
      return stream;
    },
    async stop() {
      for (const stream of streams) stream.close();
      await gateway.close(1_000);
      await control.stop();
    },
  };
  return world;
}

/** All texts in a value, however deep. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function bound(target: object, name: string | symbol): unknown {
  const value = Reflect.get(target, name, target);
  return typeof value === "function" ? value.bind(target) : value;
}

/** Notes which reads are made, and whether they found something. */
function counted<Read extends Reads | Reads["deadLetters"]>(reads: Read, seen: string[]): Read {
  return new Proxy(reads, {
    get: (target, name) => {
      const value = bound(target, name);
      if (typeof value === "object" && value !== null) return counted(value as Reads["deadLetters"], seen);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const found = await value(...args);
        // A Run is one row, of which the principal is a part: it must be read.
        const more = found === undefined || name === "run" ? "" : " found";
        seen.push(`${String(name)}${more}`);
        return found;
      };
    },
  });
}

function openStream(transport: Transport, who: string): Stream {
  const heard: RunServerMessage[] = [];
  const queue: Payload[] = [];
  const stop = new AbortController();
  let wake = () => {};
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  stop.signal.addEventListener("abort", () => wake());
  async function* said() {
    while (!stop.signal.aborted) {
      const next = queue.shift();
      if (next) yield create(RunClientMessageSchema, { payload: next });
      else await more();
    }
  }
  const client = createClient(RunService, transport);
  const answers = client.streamConnect(said(), { signal: stop.signal, ...as(who) });
  const failure = (async () => {
    for await (const answer of answers) heard.push(answer);
  })().catch((error: unknown) => {
    const { code, rawMessage } = ConnectError.from(error);
    return { code, message: rawMessage };
  });
  return {
    failure,
    heard,
    say(payload) {
      queue.push(payload);
      wake();
    },
    first: (kind) =>
      eventually(() => heard.find(({ payload }) => payload.case === kind)?.payload.value as never),
    close: () => stop.abort(),
  };
}

/** The value, once there is one. */
export function eventually<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
  return vi.waitFor(
    async () => {
      const found = await find();
      if (found === undefined || found === false) throw new Error("it has not come");
      return found;
    },
    { interval: 5, timeout: 5_000 },
  );
}

/** What the one has that the other must not know of. */
export interface Belongings {
  /** Ids of Tasks, by what is the matter with them. */
  readonly tasks: Readonly<Record<"waiting" | "running" | "ended" | "failed" | "signalled", string>>;
  readonly runs: Readonly<Record<"running" | "ended", string>>;
  readonly worker: string;
  readonly template: string;
  readonly agent: string;
  readonly idempotencyKey: string;
  readonly key: string;
}

const sourceFor = (namespace: string) => `name: approval
namespace_name: ${namespace}
version: 1.0.0
steps:
  - name: ask
    type: signal
    signal: { name: approve }
`;

/** Fills a namespace with one of everything. */
export async function furnish(world: World, who: string): Promise<Belongings> {
  const scope = { kind: PauseKind.AGENT, namespace: who, name: "unheard" };
  await createClient(PauseService, world.transport).pause({ scope }, as(who));
  const tasks = createClient(TaskService, world.transport);
  const [agent, idempotencyKey, worker] = [`${who}-agent`, `${who}-order`, `${who}-worker`];
  const stream = await world.connect(who, { workerId: worker, namespaces: [who], agents: [{ name: agent }] });
  const run = async (end: (run: { runId: string; fence: number }) => Payload | undefined) => {
    const before = stream.heard.length;
    const { id } = await tasks.createTask({ agentName: agent, inputJson: "1" }, as(who));
    const assigned = () => stream.heard.slice(before).find(({ payload }) => payload.case === "assignRun");
    const run = (await eventually(assigned)).payload.value as { runId: string; fence: number };
    const payload = end(run);
    if (payload) stream.say(payload);
    return { id, runId: run.runId };
  };
  const status = (value: number) => (of: { runId: string; fence: number }) =>
    ({
      case: "statusUpdate",
      value: { ...of, status: value, outputJson: value === 4 ? "42" : "", outputCount: 0n },
    }) as Payload;
  const ended = await run(status(4));
  const failed = await run(status(5));
  const running = await run((of) => status(3)(of));
  const { runId } = running;
  stream.say({ case: "usage", value: { runId, fence: 1, seq: 0n, model: "m", inputTokens: 7n } });
  const waiting = await tasks.createTask({ agentName: "nobody", idempotencyKey }, as(who));
  await createClient(TemplateService, world.transport).register({ source: sourceFor(who) }, as(who));
  const signalled = await tasks.createTask({ template: { name: "approval" }, inputJson: "{}" }, as(who));
  const settled = (id: string, wanted: TaskState) =>
    eventually(async () => (await tasks.getTask({ id }, as(who))).state === wanted || undefined);
  await settled(ended.id, TaskState.COMPLETE);
  await settled(failed.id, TaskState.ERROR);
  const { row } = await world.keys.make(LOCAL_CALLER, {
    name: who,
    role: "viewer",
    namespaces: [who],
    ttl: millis(9e6),
  });
  return {
    tasks: {
      waiting: waiting.id,
      running: running.id,
      ended: ended.id,
      failed: failed.id,
      signalled: signalled.id,
    },
    runs: { running: running.runId, ended: ended.runId },
    ...{ worker, template: "approval", agent, idempotencyKey, key: row.id },
  };
}

/** One answer, or the failure with all that a client sees of it; and what was read for it. */
export interface Outcome {
  readonly answer?: string;
  readonly error?: unknown;
  readonly reads: readonly string[];
}

/** Asks once, and takes the first answer of a stream. */
export async function askAs(
  world: World,
  who: string,
  method: DescMethod,
  request: object,
): Promise<Outcome> {
  world.reads.length = 0;
  world.loads.length = 0;
  const message = create(method.input, request as never) as Message;
  const sent = toJsonString(method.input, message);
  /** Beside what clients' reads are, what turns have loaded for what was sent, and not what they do meanwhile. */
  const reads = () => {
    const own = world.loads.filter((texts) => texts.some((text) => text !== "" && sent.includes(text)));
    return [...world.reads, ...own.map((texts) => `load ${texts.join(" ")}`)];
  };
  const { headers } = as(who);
  const { transport } = world;
  try {
    if (method.methodKind === "unary") {
      const { message: answer } = await transport.unary(
        method as never,
        undefined,
        5_000,
        headers,
        message as never,
      );
      return { answer: toJsonString(method.output, answer), reads: reads() };
    }
    const stop = new AbortController();
    async function* once() {
      yield message;
    }
    const { message: answers } = await transport.stream(
      method as never,
      stop.signal,
      5_000,
      headers,
      once() as never,
    );
    for await (const answer of answers) {
      stop.abort();
      return { answer: toJsonString(method.output, answer as never), reads: reads() };
    }
    return { reads: reads() };
  } catch (error) {
    const { code, rawMessage, details } = ConnectError.from(error);
    const shown = (details as readonly { type: string; value: Uint8Array }[]).map(({ type, value }) => {
      return { type, value: Buffer.from(value).toString("latin1") };
    });
    return { error: { code, message: rawMessage, details: shown }, reads: reads() };
  }
}

/** The same with what the two may differ in: ids that were sent, ids that were drawn, and instants. */
export function blind(outcome: unknown, sent: string): string {
  return JSON.stringify(outcome)
    .replaceAll(sent, "SENT")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "DRAWN")
    .replace(/\b1[0-9]{12}\b/g, "INSTANT");
}
