/** `taskrun inspect`: a Task's machines from its log, on a terminal step by step, and into a pipe line by line. */
import { create } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import { keysOf } from "#cli/terminal/keys";
import { TaskEventSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { aTask, fakePlane } from "../client/fake-plane.js";
import { type Setting, taskrun } from "./fake-io.js";

const ID = "0193a7c2-5b1e-7c3a-9a51-3f2c81d94e07";
const RUN = "0193a7c2-60aa-7000-8000-000000000001";
const EVIL = "st\u001b[2Jep";

type Value = Record<string, unknown>;

/** A log: the numbers are those of states and statuses on the wire. */
function log(...entries: readonly (readonly ["taskChanged" | "stepChanged" | "runChanged", Value])[]) {
  return entries.map(([name, value], i) =>
    create(TaskEventSchema, {
      seq: BigInt(i + 1),
      taskId: ID,
      timestampMs: BigInt(50_000 + i),
      event: { case: name, value } as never,
    }),
  );
}

const task = (status: number, state: number): readonly ["taskChanged", Value] => [
  "taskChanged",
  { id: ID, status, state, createdAtMs: 50_000n },
];
const step = (state: number, more: Value = {}): readonly ["stepChanged", Value] => [
  "stepChanged",
  { name: EVIL, state, agentName: "writer", maxAttempts: 3, ...more },
];

const ended = log(
  task(1, 2),
  step(2),
  task(1, 3),
  step(3, { attempts: 1 }),
  ["runChanged", { runId: RUN, stepName: EVIL, status: 2, attempt: 1, workerId: "w1", fence: 1 }],
  task(2, 4),
  ["runChanged", { runId: RUN, stepName: EVIL, status: 4, attempt: 1, workerId: "w1", fence: 1 }],
  step(4, { attempts: 1 }),
  step(7, { attempts: 1 }),
  task(2, 5),
  task(3, 9),
);

async function inspect(words: readonly string[] = [], setting: Setting = {}) {
  const plane = await fakePlane({
    getTask: ({ id }) => aTask({ id, status: 3, state: 9, agentName: "writer", createdAtMs: 50_000n }),
    async *watchTask() {
      yield* ended;
    },
  });
  onTestFinished(() => plane[Symbol.asyncDispose]());
  return taskrun(["inspect", ID, "--addr", plane.addr, ...words], setting);
}

test("into a pipe: a line for each event, then it ends", async () => {
  const { code, stdout, stderr } = await inspect();

  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout.trim().split("\n");
  expect(lines.map((line) => line.replace(/^[\d:.]+ {2}/, ""))).toMatchInlineSnapshot(`
    [
      "Task …81d94e07  created  pending",
      "Task …81d94e07  start  pending → initializing",
      "Step step  created  enqueued",
      "Task …81d94e07  readyStepsFound  initializing → enqueuing_steps · counts enqueued 1",
      "Step step  start  enqueued → in_progress · attempts 0 → 1",
      "Run …00000001  created  status: ASSIGNED, hold: held",
      "Task …81d94e07  logged  enqueuing_steps → steps_in_process · counts enqueued 1 → in_progress 1",
      "Run …00000001  completed  status: ASSIGNED, hold: held → status: COMPLETED, hold: released",
      "Step step  succeeded  in_progress → enqueued_for_orchestration",
      "Step step  complete  enqueued_for_orchestration → complete",
      "Task …81d94e07  stepChanged  steps_in_process → evaluating_results · counts in_progress 1 → complete 1",
      "Task …81d94e07  logged  evaluating_results → complete",
    ]
  `);
});

test("--json has the events as the inspector's protocol has them", async () => {
  const { stdout } = await inspect(["--json"]);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

  expect(events[0]).toMatchObject({
    type: "@xstate.actor",
    sessionId: `task:${ID}`,
    name: "writer",
    _version: "0.7.2",
  });
  expect(JSON.parse(events[0].definition)).toMatchObject({ id: "task", initial: "pending" });
  expect(events.at(-1)).toMatchObject({
    type: "@xstate.snapshot",
    snapshot: { status: "done", value: "complete" },
  });
});

test("--web prints the address of the page", async () => {
  expect((await inspect(["--web"])).stdout).toMatch(new RegExp(`^http://\\S+:8080/inspect\\?task=${ID}\n$`));
  expect((await inspect(["--web", "--http", "tasks.example:9000"])).stdout).toBe(
    `http://tasks.example:9000/inspect?task=${ID}\n`,
  );
  expect(await inspect(["--web", "--http", "a b"])).toMatchObject({ code: 2 });
});

test("on a terminal: the newest message first, back and forth by keys, and the screen is given back", async () => {
  const { code, stdout } = await inspect([], {
    terminal: 100,
    rows: 30,
    keys: ["home", "right", "left", "right", "right", "q"],
  });

  expect(code).toBe(0);
  expect(stdout.startsWith("\u001b[?1049h")).toBe(true);
  expect(stdout.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
  const frames = stdout.split("\u001b[H").slice(1);
  const last = frames.at(-1) ?? "";
  expect(last).toContain("3 of 12");
  expect(last).toContain("◉ enqueued");
  expect(last).not.toContain("\u001b[2J");
  expect(frames.some((frame) => frame.includes("1 of 12"))).toBe(true);
  for (const frame of frames) expect(frame.split("\n").length).toBeLessThanOrEqual(30);
});

test("keys as terminals send them, several at once, and what is no key", () => {
  expect(keysOf("\u001b[C\u001b[Dq ")).toEqual(["right", "left", "q", " "]);
  expect(keysOf("\u001bOH\u001b[4~\u0003")).toEqual(["home", "end", "interrupt"]);
  expect(keysOf("\u001b[200~\u001b[1;5C\u0007é")).toEqual(["é"]);
  expect(keysOf("")).toEqual([]);
});
