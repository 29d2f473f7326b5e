import { toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogEntry } from "#domain/task/log";
import type { TaskRow } from "#domain/task/task";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { taskEvent } from "#wire/convert-event";
import { ChatRole, RunEventType, RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { TaskEventSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";
import * as speaking from "./kit/speaking.js";
import { hello, type Payload } from "./kit/speaking.js";

let opened: Opened;
let mount: Mount;

beforeEach(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
});

afterEach(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

const ending = (...payloads: Payload[]) => speaking.ending(mount, ...payloads);
const heard = (...payloads: Payload[]) => speaking.heard({ opened, mount }, ...payloads);

/** One byte more than an id, or a word of metadata, may have. */
const LONG = "x".repeat(257);

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`name-${i}`, "value"]));

const cuts = () =>
  opened.counted.filter(({ name, labels }) => {
    return name === "taskrun_reports_refused_total" && labels?.cause === "too_long";
  }).length;

test.each<[string, Payload[], string]>([
  [
    "holds a run with a name that is none",
    [hello(1), { case: "heartbeat", value: { heldRunIds: ["r", LONG] } }],
    "3 heartbeat.held_run_ids: heartbeat.held_run_ids is 257 bytes long; the limit is 256 bytes: send an id as it was given.",
  ],
  [
    "holds more runs than it may",
    [hello(1), { case: "heartbeat", value: { heldRunIds: Array(1_025).fill("r") } }],
    "3 heartbeat.held_run_ids: heartbeat.held_run_ids has 1025 entries; a worker may hold 1024 Runs.",
  ],
  [
    "offers too many agents",
    [hello(1, { agents: Array.from({ length: 65 }, (_, i) => ({ name: `a-${i}` })) })],
    "3 info.agents: info.agents has 65 entries; the limit is 64: send fewer.",
  ],
  [
    "offers an agent with too many models",
    [hello(1, { agents: [{ name: "a", backends: Array(17).fill({ provider: "p" }) }] })],
    "3 info.agents[0].backends: info.agents[0].backends has 17 entries; the limit is 16: send fewer.",
  ],
  [
    "offers a model with a long tool",
    [hello(1, { agents: [{ name: "a", backends: [{ tools: ["rg", LONG] }] }] })],
    "3 info.agents[0].backends[0].tools[1]: info.agents[0].backends[0].tools[1] is 257 bytes long; the limit is 256 bytes: send a shorter one.",
  ],
  [
    "works for too many namespaces",
    [hello(1, { namespaces: Array(65).fill("default") })],
    "3 info.namespaces: info.namespaces has 65 entries; the limit is 64: send fewer.",
  ],
  [
    "works for a namespace without a name",
    [hello(1, { namespaces: ["default", ""] })],
    "3 info.namespaces[1]: info.namespaces[1] is required: send a namespace, or an empty list for all.",
  ],
])("a worker of ours that %s loses its stream and hears why", async (_, payloads, answer) => {
  expect(await ending(...payloads)).toBe(answer);
});

test("what a public worker says is cut where it is too long, and counted; its stream stays", async () => {
  const run = { runId: "r" };
  const content = "x".repeat(4 * 1024 * 1024 - 64 * 1024 + 1);
  const reports = await heard(
    hello(0),
    { case: "outputChunk", value: { ...run, content: "text", metadata: { ...many(70), [LONG]: "" } } },
    {
      case: "event",
      value: { ...run, id: LONG, eventType: RunEventType.TOOL_REQUESTED, metadata: { tool: LONG } },
    },
    { case: "chatMessage", value: { ...run, message: { role: ChatRole.USER, content } } },
  );

  expect(reports.slice(1)).toEqual([
    expect.objectContaining({ type: "output", content: "text", metadata: many(64) }),
    expect.objectContaining({ type: "event", id: LONG.slice(1), metadata: { tool: LONG.slice(1) } }),
    expect.objectContaining({ type: "chat", content: content.slice(1) }),
  ]);
  expect(cuts()).toBe(4);
});

const HUGE = 2n ** 60n;
const over = (content: string, field: string) =>
  `${field} is ${content.length} bytes long; the limit is 65536 bytes: send it in pieces.`;

test.each<[string, 0 | 1, Payload, { readonly message: string; readonly last?: boolean }]>([
  [
    "too much metadata with output",
    1,
    { case: "outputChunk", value: { runId: "r", fence: 2, metadata: many(65) } },
    { message: "output_chunk.metadata has 65 entries; the limit is 64: send fewer." },
  ],
  [
    "a large chunk",
    1,
    { case: "outputChunk", value: { runId: "r", fence: 2, content: "x".repeat(65_537) } },
    { message: over("x".repeat(65_537), "output_chunk.content") },
  ],
  [
    "a chunk that could not be passed on",
    0,
    { case: "outputChunk", value: { runId: "r", content: "x".repeat(4 * 1024 * 1024 - 64 * 1024 + 1) } },
    {
      message:
        "output_chunk.content is 4128769 bytes long; only 4128768 bytes can be passed on: send it in pieces.",
    },
  ],
  [
    "a chunk that nobody could count",
    1,
    { case: "outputChunk", value: { runId: "r", fence: 2, seq: HUGE } },
    { message: `seq is ${HUGE}; send a number between -2^53 and 2^53.` },
  ],
  [
    "long metadata with an event",
    1,
    { case: "event", value: { runId: "r", fence: 2, id: "e", metadata: { tool: LONG } } },
    {
      message:
        'event.metadata has an entry "tool" whose name or value is over 256 bytes: send a shorter one.',
    },
  ],
  [
    "an event with a long name",
    1,
    { case: "event", value: { runId: "r", fence: 2, id: LONG, eventType: RunEventType.TOOL_REQUESTED } },
    { message: "event.id is 257 bytes long; the limit is 256 bytes: send an id as it was given." },
  ],
  [
    "an event of its own with a long name",
    1,
    {
      case: "event",
      value: { runId: "r", fence: 2, id: "e", eventType: RunEventType.CUSTOM, name: "n".repeat(65) },
    },
    { message: "event.name is 65 bytes long; the limit is 64 bytes: shorten it." },
  ],
  [
    "too much said at once",
    1,
    { case: "chatMessage", value: { runId: "r", fence: 2, message: { content: "x".repeat(65_537) } } },
    { message: over("x".repeat(65_537), "chat_message.message.content") },
  ],
  [
    "a last word that nobody could count",
    1,
    {
      case: "statusUpdate",
      value: { runId: "r", fence: 2, status: RunStatus.COMPLETED, outputCount: HUGE },
    },
    { message: `output_count is ${HUGE}; send a number between -2^53 and 2^53.`, last: true },
  ],
])("%s is refused of that run alone, and the stream goes on", async (_, protocol, payload, refused) => {
  const beat: Payload = { case: "heartbeat", value: { workerId: "w-1" } };
  const reports = await heard(hello(protocol), payload, beat);

  const fence = protocol === 0 ? {} : { fence: 2 };
  expect(reports.slice(1)).toEqual([
    { type: "refused", runId: "r", ...fence, last: false, ...refused },
    expect.objectContaining({ type: "heartbeat" }),
  ]);
});

test("who names no run that could exist has broken the protocol", async () => {
  expect(await ending(hello(1), { case: "outputChunk", value: { runId: LONG } })).toBe(
    "3 output_chunk.run_id: output_chunk.run_id is 257 bytes long; the limit is 256 bytes: send an id as it was given.",
  );
});

test("a wait that nobody could count is the longest there is, and a negative one is none", async () => {
  const failed = { runId: "r", fence: 2, status: RunStatus.FAILED };
  const reports = await heard(
    hello(1),
    { case: "statusUpdate", value: { ...failed, retryAfterMs: HUGE } },
    { case: "statusUpdate", value: { ...failed, retryAfterMs: -1n } },
  );

  expect(reports.slice(1)).toMatchObject([{ retryAfter: 86_400_000 }, { retryAfter: 0 }]);
});

test("a worker gives one of two reasons itself; any other is the agent's error", async () => {
  const failed = { runId: "r", fence: 2, status: RunStatus.FAILED };
  const reports = await heard(
    hello(1),
    { case: "statusUpdate", value: { ...failed, reason: "OUTPUT_LIMIT" } },
    { case: "statusUpdate", value: { ...failed, reason: "TIMEOUT" } },
  );

  expect(reports[1]).toMatchObject({ reason: "OUTPUT_LIMIT" });
  expect(reports[2]).not.toHaveProperty("reason");
});

test("a checkpoint has the room of a result for both its parts", async () => {
  const cursorJson = `"${"x".repeat(limits.resultBytes / 2 - 2)}"`;
  const stop = { runId: "r", fence: 2, cursorJson, outputJson: cursorJson };
  const reports = await heard(
    hello(1),
    { case: "yield", value: stop },
    { case: "yield", value: { ...stop, outputJson: `${cursorJson} ` } },
  );

  expect(reports.slice(1)).toMatchObject([
    { type: "yield" },
    { type: "status", status: "FAILED", reason: "OUTPUT_LIMIT", retryable: false },
  ]);
});

test("whatever a worker may say fits into one message to those who watch", async () => {
  const wide = "€".repeat(85); // 255 bytes
  const metadata = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${wide.slice(3)}${i}`, wide]));
  const content = "x".repeat(4 * 1024 * 1024 - 64 * 1024);
  const [, output, chat] = await heard(
    hello(0),
    { case: "outputChunk", value: { runId: "r".repeat(256), content, metadata } },
    { case: "chatMessage", value: { runId: "r".repeat(256), message: { role: ChatRole.USER, content } } },
  );

  for (const report of [output, chat]) {
    const entry = { fence: 1, ...report, at: instant(Date.now()) } as LogEntry;
    const event = taskEvent({ id: "t".repeat(256) } as TaskRow, Number.MAX_SAFE_INTEGER, entry);
    expect(toBinary(TaskEventSchema, event).length).toBeLessThanOrEqual(limits.messageBytes);
  }
  expect(cuts()).toBe(0);
});

test("what is too long beside a result is cut, whoever says it: refused, it would come again", async () => {
  const backendUsed = { provider: LONG, tools: Array(65).fill("rg"), metadata: many(65) };
  const reports = await heard(hello(1), {
    case: "statusUpdate",
    value: { runId: "r", status: RunStatus.COMPLETED, backendUsed, outputJson: "{}" },
  });

  expect(reports[1]).toMatchObject({
    status: "COMPLETED",
    backend: { provider: LONG.slice(1), tools: Array(64).fill("rg"), metadata: many(64) },
  });
});

test.each([0, 1] as const)("a stack is cut at 16 KiB, whoever says it (protocol %i)", async (protocol) => {
  const failed = { runId: "r", status: RunStatus.FAILED, errorMessage: "it is broken" };
  const longest = "é".repeat(limits.errorDetailBytes / 2);
  const reports = await heard(
    hello(protocol),
    { case: "statusUpdate", value: { ...failed, errorDetail: longest } },
    { case: "statusUpdate", value: { ...failed, errorDetail: `${longest}at the end` } },
  );

  expect(reports.slice(1)).toEqual(
    Array(2).fill(expect.objectContaining({ errorMessage: "it is broken", errorDetail: longest })),
  );
});

test("an agent's description is cut at 1 KiB", async () => {
  const [said] = await heard(hello(1, { agents: [{ name: "a", description: "x".repeat(2_000) }] }));

  expect(said).toMatchObject({ info: { agents: [{ description: "x".repeat(1_024) }] } });
});
