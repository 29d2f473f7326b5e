import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Progress } from "#cli/task/progress";
import type { Io, Sink } from "#cli/terminal/io";
import { toTask } from "#client/convert";
import type { OutputChunk, Run } from "#client/index";
import { stepStates } from "#domain/task/step";
import { type StepSchema, TaskEventSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { aTask, fakePlane } from "../client/fake-plane.js";
import { type Setting, taskrun } from "./fake-io.js";

type Event = MessageInitShape<typeof TaskEventSchema>["event"];
type State = (typeof stepStates)[number];

const step = (name: string, state: State, more: MessageInitShape<typeof StepSchema> = {}) => ({
  name,
  state: stepStates.indexOf(state) + 1,
  type: "standard",
  agentName: "worker",
  maxAttempts: 3,
  ...more,
});
const changed = (...given: Parameters<typeof step>): Event => ({
  case: "stepChanged",
  value: step(...given),
});
const run = (stepName: string, status: number): Event => ({
  case: "runChanged",
  value: { runId: `run-${stepName}`, workerId: "w1", status, attempt: 1, stepName },
});
const wrote = (stepName: string, content: string): Event => ({
  case: "output",
  value: { runId: `run-${stepName}`, content },
});
const ended = (status: number, more = {}): Event => ({
  case: "taskChanged",
  value: { id: "t1", status, state: 9, createdAtMs: 1_000n, finishedAtMs: 9_200n, ...more },
});

interface Watched extends Setting {
  readonly steps: readonly ReturnType<typeof step>[];
  readonly events: readonly Event[];
}

/** Watches a task on a terminal; each event comes when the one before it can be seen, or could be. */
async function watch({ steps, events, ...setting }: Watched) {
  let resume = () => {};
  const seen = () =>
    new Promise<void>((resolve) => {
      resume = resolve;
      setTimeout(resolve, 50);
    });
  const template = { namespace: "shop", name: "flow", version: "1.0.0" };
  await using plane = await fakePlane({
    getTask: () => aTask({ agentName: "", template, steps: [...steps], status: 2, state: 4 }),
    async *watchTask() {
      for (const [i, event] of events.entries()) {
        const seq = BigInt(i + 1);
        yield create(TaskEventSchema, { seq, taskId: "t1", timestampMs: 1_000n, ...(event && { event }) });
        await seen();
      }
    },
  });
  const told = await taskrun(["task", "watch", "t1", "--addr", plane.addr], {
    terminal: 80,
    ...setting,
    onWrite(text, signal) {
      setting.onWrite?.(text, signal);
      resume();
    },
  });
  return { ...told, screen: screenAfter(told.stderr) };
}

const ESC = "\u001b";
const upAndClear = new RegExp(`(${ESC}\\[\\d+A${ESC}\\[J)`);

/** What a terminal shows after a text that goes up and clears what is below. */
function screenAfter(text: string): string {
  let lines = [""];
  for (const part of text.split(upAndClear)) {
    const up = /^\[(\d+)A/.exec(part.slice(1))?.[1];
    if (up !== undefined) lines = [...lines.slice(0, Math.max(lines.length - 1 - Number(up), 0)), ""];
    else {
      const [first = "", ...rest] = part.split("\n");
      lines = [...lines.slice(0, -1), `${lines.at(-1)}${first}`, ...rest];
    }
  }
  return lines.join("\n");
}

const live: Run = {
  id: "run-take",
  workerId: "w1",
  status: "RUNNING",
  startedAtMs: 1,
  finishedAtMs: 0,
  errorMessage: "",
  errorDetail: "",
  attempt: 1,
  stepName: "take",
  reason: "",
  fence: 1,
};
const chunk: OutputChunk = {
  runId: live.id,
  seq: 0,
  content: "",
  isFinal: false,
  metadata: {},
  sentAtMs: 1,
  fence: 1,
  turn: 0,
};

const diamond = [
  step("take", "pending"),
  step("charge", "pending", { dependsOn: ["take"] }),
  step("approve", "pending", { type: "signal", agentName: "", dependsOn: ["take"] }),
  step("ship", "pending", { dependsOn: ["charge", "approve"] }),
];

test("a graph on a terminal is a block that is drawn over itself", async () => {
  const { code, screen, stdout } = await watch({
    steps: diamond,
    events: [
      changed("take", "complete", { attempts: 1, startedAtMs: 1_000n, finishedAtMs: 1_350n }),
      run("charge", 2),
      changed("charge", "in_progress", { attempts: 2, startedAtMs: 59_000n }),
      wrote("charge", "asking the bank\n50%"),
      changed("approve", "in_progress", { type: "signal", maxAttempts: 1, startedAtMs: 60_000n }),
      ended(2, { state: 4, finishedAtMs: 0n }),
      changed("ship", "waiting_for_retry", { attempts: 1, errorMessage: "boom", nextAttemptAtMs: 64_000n }),
      ended(5, { state: 11 }),
    ],
  });

  expect([code, stdout]).toEqual([1, ""]);
  expect(screen).toMatchInlineSnapshot(`
    "CANCELLED  1/4 done  8.2 s  shop/flow@1.0.0  t1
    ✓ take     complete           350 ms
    ● charge   in progress        2.0 s   2/3  50%
    ● approve  in progress        1.0 s        waits for a signal
    ↻ ship     waiting for retry          1/3  retry in 3.0 s: boom
    task t1: CANCELLED after 8.2 s
    "
  `);
});

test("the end of the task is told below the block, with its result", async () => {
  const { code, screen } = await watch({
    steps: diamond,
    events: [ended(3, { outputJson: '{"ok":true}' })],
  });

  expect(code).toBe(0);
  expect(screen).toMatch(/\ntask t1: COMPLETED after 8\.2 s\nresult \{\n {2}"ok": true\n\}\n$/);
});

test("the block is never higher than the terminal: what is at work is shown, the rest is counted", async () => {
  const many = Array.from({ length: 50 }, (_, i) => step(`s${i}`, i < 20 ? "complete" : "pending"));
  const { stderr, screen } = await watch({
    steps: many,
    events: [changed("s40", "in_progress", { startedAtMs: 60_000n }), changed("s30", "error"), ended(4)],
    rows: 8,
  });

  expect(Math.max(...stderr.split(ESC).map((part) => Number(/^\[(\d+)A/.exec(part)?.[1] ?? 0)))).toBe(7);
  const block = screen.split("\n").slice(0, 7);
  expect(block.join("\n")).toContain("● s40");
  expect(block.join("\n")).toContain("✗ s30");
  expect(block.at(-1)).toBe("… and 45 more: 17 complete, 28 pending");
});

test("no line is as wide as the terminal, whatever names, errors and output say", async () => {
  const { screen } = await watch({
    steps: [...diamond, step("n".repeat(300), "error", { errorMessage: "e".repeat(300) })],
    events: [
      run("take", 2),
      changed("take", "in_progress", { startedAtMs: 1n }),
      wrote("take", "o".repeat(900)),
      ended(5),
    ],
    terminal: 60,
  });

  expect(Math.max(...screen.split("\n").map((line) => line.length))).toBeLessThan(60);
  expect(screen).toContain("…ooo");
});

test("what an agent writes, or names a member, does not reach the terminal's controls", async () => {
  const hostile = "\u001b[2Jred\u001b]0;title\u0007 \u202eevil\r\n";
  const { stderr } = await watch({
    steps: diamond,
    events: [
      run("take", 2),
      changed("take", "in_progress", { startedAtMs: 1n }),
      wrote("take", hostile),
      changed(`member_${hostile}`, "error", { errorMessage: hostile }),
      ended(5, { errorMessage: hostile }),
    ],
  });

  expect(stderr).toContain("red evil");
  const text = stderr
    .split(upAndClear)
    .filter((part) => !upAndClear.test(part))
    .join("");
  expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\u202e/u);
});

test("a graph in a pipe, and on a terminal that cannot go up, is told line by line", async () => {
  const events = [
    run("take", 2),
    changed("approve", "in_progress", { type: "signal", startedAtMs: 1n }),
    wrote("take", "hello\n"),
    ended(3),
  ];
  for (const setting of [{ terminal: undefined }, { env: { TERM: "dumb" } }]) {
    const { stdout, stderr } = await watch({ steps: diamond, events, ...(setting as Setting) });
    expect(stdout).toBe("hello\n");
    expect(stderr).toBe(
      "attempt 1 of take on worker w1: ASSIGNED\napprove waits for a signal\ntask t1: COMPLETED after 8.2 s\n",
    );
  }
});

test("an interrupted watch leaves the block and says how to go on", async () => {
  const { code, screen } = await watch({
    steps: diamond,
    events: [
      changed("take", "in_progress", { startedAtMs: 1n }),
      ...Array.from({ length: 9 }, () => run("take", 2)),
    ],
    onWrite: (text, signal) => {
      if (text.includes("● take")) signal();
    },
  });

  expect(code).toBe(130);
  expect(screen).toMatch(
    /● take .*\n(.*\n){3}\nThe task continues\. Watch it from here with\n.* --after-seq \d+\n$/,
  );
});

test("a thousand events make one frame, and nothing is drawn while nothing changes", async () => {
  const waits: { readonly ms: number; ring(): void }[] = [];
  const frames: string[] = [];
  const sink = (write: (text: string) => Promise<void>): Sink => ({
    write,
    isTTY: true,
    columns: 80,
    rows: 24,
  });
  const io: Io = {
    stdout: sink(async () => {}),
    stderr: sink(async (text) => void frames.push(text)),
    env: { NO_COLOR: "1" },
    cwd: ".",
    now: () => 61_000,
    self: "taskrun",
    script: "",
    after(ms, ring) {
      const wait = { ms, ring };
      waits.push(wait);
      return () => void waits.splice(waits.indexOf(wait), 1);
    },
    readStdin: async () => "",
    onSignal: () => () => {},
  };
  const progress = new Progress(toTask(aTask({ steps: [...diamond] })), io);
  const next = async () => {
    const [wait] = waits.splice(0);
    wait?.ring();
    await new Promise(setImmediate);
    return wait?.ms;
  };
  const tell = (content: string, seq: number) =>
    progress.tell({ seq, taskId: "t1", atMs: 1, type: "output", output: { ...chunk, content } });

  await progress.tell({ seq: 1, taskId: "t1", atMs: 1, type: "run", run: live });
  for (let i = 0; i < 1_000; i += 1) await tell(`line ${i}\n`, i + 2);
  expect([waits.length, frames.length]).toEqual([1, 0]);
  expect(await next()).toBe(100);
  expect(frames).toHaveLength(1);
  expect(frames[0]).toContain("line 999");
  expect([await next(), await next()]).toEqual([1_000, 1_000]);
  expect(frames).toHaveLength(1);
  await tell("more\n", 2_000);
  expect([await next(), frames.length]).toEqual([100, 2]);
  await progress.close();
  expect(waits).toEqual([]);
});
