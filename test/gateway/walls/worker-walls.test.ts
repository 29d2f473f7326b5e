/** What a worker's stream can name: of Runs, Tasks and namespaces of others it hears what it hears of nothing. */

import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunClientMessageSchema, type RunServerMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import {
  as,
  type Belongings,
  blind,
  eventually,
  furnish,
  openWorld,
  type Stream,
  type World,
} from "./world.js";

let world: World;
let theirs: Belongings;
let stream: Stream;

beforeAll(async () => {
  world = await openWorld();
  theirs = await furnish(world, "theirs");
  stream = await world.connect("mine", { workerId: "w", namespaces: ["mine"], agents: [{ name: "a" }] });
});
afterAll(() => world.stop());

type Payload = Parameters<Stream["say"]>[0];
let marks = 0;

/** All that is heard of a message: until the answer to one about a Run that there is not, which is decided after it. */
async function heardOf(payload: Payload, at: Stream): Promise<readonly RunServerMessage["payload"][]> {
  const before = at.heard.length;
  at.say(payload);
  const mark = `mark-${++marks}`;
  at.say({ case: "decline", value: { runId: mark, reason: "" } });
  const isMark = ({ payload: { case: kind, value } }: RunServerMessage) =>
    (kind === "cancelRun" && value.runId === mark) || (kind === "ack" && value.refId === mark);
  await eventually(() => at.heard.slice(before).filter(isMark).length === 2 || undefined);
  return at.heard
    .slice(before)
    .filter((each) => !isMark(each))
    .map((each) => each.payload);
}

/** Every message of a worker that names a Run. */
const about: Readonly<Record<string, (runId: string) => readonly Payload[]>> = {
  hello: () => [],
  heartbeat: (runId) => [{ case: "heartbeat", value: { workerId: "w", heldRunIds: [runId], beat: 0n } }],
  status_update: (runId) =>
    [1, 2, 3, 4, 5, 6].flatMap((status) =>
      [0, 1, 9].map(
        (fence): Payload => ({
          case: "statusUpdate",
          value: { runId, fence, status, outputJson: status === 4 ? "1" : "" },
        }),
      ),
    ),
  output_chunk: (runId) => [
    { case: "outputChunk", value: { runId, seq: 0n, content: "x" } },
    { case: "outputChunk", value: { runId, seq: 7n, content: "x", fence: 1, isFinal: true } },
  ],
  event: (runId) => [{ case: "event", value: { runId, id: "e", taskId: theirs.tasks.running } }],
  chat_message: (runId) => [{ case: "chatMessage", value: { runId, message: { role: 1, content: "x" } } }],
  decline: (runId) => [{ case: "decline", value: { runId, reason: "no" } }],
  yield: (runId) => [{ case: "yield", value: { runId, fence: 1, cursorJson: "1" } }],
  journal: (runId) =>
    [0n, 7n].map((seq): Payload => {
      const named = { kind: 1, name: "charge", occurrence: 1, effect: 3 };
      return { case: "journal", value: { ...named, runId, fence: 1, seq, entry: 1, state: 1 } };
    }),
  suspend: (runId) => [{ case: "suspend", value: { runId, fence: 1, entries: [1], journalCount: 0n } }],
  usage: (runId) => [{ case: "usage", value: { runId, fence: 1, seq: 0n, model: "m", inputTokens: 1n } }],
};

test("every message of a worker is tested", () => {
  expect(Object.keys(about).toSorted()).toEqual(
    RunClientMessageSchema.fields.map(({ name }) => name).toSorted(),
  );
});

const shown = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `${each}` : each)));

const unknown = (id: string) => `${id.slice(0, -4)}${id.slice(-4) === "0000" ? "1111" : "0000"}`;

describe.each(Object.keys(about).filter((kind) => kind !== "hello"))("%s", (kind) => {
  test("about a Run of theirs is answered as about none, and changes nothing", async () => {
    const tasks = createClient(TaskService, world.transport);
    const before = await tasks.getTask({ id: theirs.tasks.running }, as("theirs"));
    for (const foreign of Object.values(theirs.runs)) {
      const of = async (runId: string) => {
        const answers = [];
        for (const payload of about[kind]?.(runId) ?? []) answers.push(await heardOf(payload, stream));
        return blind(shown(answers), runId);
      };
      expect(await of(foreign)).toBe(await of(unknown(foreign)));
    }
    expect(await tasks.getTask({ id: theirs.tasks.running }, as("theirs"))).toEqual(before);
  });
});

test("a Run of theirs is taken back as none is", async () => {
  const resume = async (runId: string) => {
    const other = await world.connect("mine", {
      workerId: "w-2",
      namespaces: ["mine"],
      agents: [{ name: "a" }],
    });
    other.close();
    const again = await world.connect(
      "mine",
      { workerId: "w-2", namespaces: ["mine"], agents: [{ name: "a" }] },
      [{ runId, fence: 1, nextSeq: 0n }],
    );
    await again.first("cancelRun");
    const heard = again.heard.map(({ payload }) => (payload.case === "welcome" ? "welcome" : payload));
    again.close();
    return blind(shown(heard), runId);
  };
  expect(await resume(theirs.runs.running)).toBe(await resume(unknown(theirs.runs.running)));
});

test("a worker that names no namespace works for those of its caller, and for no other", async () => {
  const tasks = createClient(TaskService, world.transport);
  const idle = await world.connect("mine", { workerId: "w-3", agents: [{ name: "shared" }] });
  const foreign = await tasks.createTask({ agentName: "shared" }, as("theirs"));
  const own = await tasks.createTask({ agentName: "shared" }, as("mine"));
  const assigned = await idle.first("assignRun");
  expect(assigned.taskId).toBe(own.id);
  expect((await tasks.getTask({ id: foreign.id }, as("theirs"))).runs).toEqual([]);
  idle.close();
});

test("a worker cannot name a namespace that is not its caller's, whether there is one or not", async () => {
  const refused = async (namespace: string) => {
    const info = { workerId: "w-4", namespaces: [namespace], agents: [{ name: "a" }] };
    const opened = world.open("mine");
    opened.say({ case: "hello", value: { info, protocol: 1 } });
    return blind(shown(await opened.failure), namespace);
  };
  expect(await refused("theirs")).toBe(await refused("nobody"));
  expect(await refused("theirs")).toContain("is not yours to work for");
});
