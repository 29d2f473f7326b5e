/** What is told of Tasks that were there before this process: what the one before may have had no time to send. */
import { describe, expect, test } from "vitest";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store-reads";
import type { Tracing } from "#ports/tracing";
import type { Workspace } from "#runtime/memory/workspace";
import { TraceRecorder } from "#runtime/watch/trace-recorder";
import * as rows from "#testing/rows";

const formerEnd = instant(100_000);
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** A Task of the process before, that ends now, and what was told of it. */
async function toldOf(
  task: Parameters<typeof rows.task>[1],
  detail: Partial<TaskDetail> | Error,
  at: Instant = formerEnd,
): Promise<{ readonly told: string[]; readonly warnings: string[] }> {
  const told: string[] = [];
  const warnings: string[] = [];
  const tracing: Tracing = {
    begin: () => traceparent,
    taskEnded: ({ id }, retried) => told.push(`task ${id}${retried ? ` again ${retried.id}` : ""}`),
    stepEnded: ({ name }) => told.push(`step ${name}`),
    runEnded: ({ id }) => told.push(`run ${id}`),
  };
  const reads = {
    task: async (id: string) => {
      if (detail instanceof Error) throw detail;
      return id === before.id ? { task: before, input: "{}", steps: [], runs: [], ...detail } : undefined;
    },
  };
  const log = {
    debug: () => {},
    info: () => {},
    warn: (text: string) => void warnings.push(text),
    error: () => {},
  };
  const before = rows.task(rows.taskId(1), {
    createdAt: instant(1_000),
    spec: rows.spec({ traceparent }),
    ...task,
  });
  const after = rows.ended(before, 200_000);
  const recorder = new TraceRecorder({ tracing, reads: reads as never, log });
  recorder.started(at);
  const changes = { tasks: [{ before, after }], steps: [], runs: [] };
  recorder.committed({ changes, task: () => after } as unknown as Workspace);
  await recorder.idle();
  return { told, warnings };
}

const at = (ago: number) => instant(formerEnd - ago);
const id = rows.taskId(1);

describe("a Task of the process before", () => {
  test("sends again what a crash may have lost, and nothing else", async () => {
    const detail = {
      steps: [
        rows.step(id, { name: "early", state: "complete", finishedAt: at(limits.spansLost) }),
        rows.step(id, { name: "late", state: "complete", finishedAt: at(limits.spansLost - 1) }),
        rows.step(id, { name: "now", state: "complete", finishedAt: instant(formerEnd + 1) }),
        rows.step(id, { name: "skipped", state: "cancelled", finishedAt: at(0) }),
        rows.step(id, { name: "live", state: "in_progress" }),
      ],
      runs: [
        rows.run(rows.runId(1), id, { status: "COMPLETED", finishedAt: at(limits.spansLost) }),
        rows.run(rows.runId(2), id, { status: "FAILED", finishedAt: at(0) }),
        rows.run(rows.runId(3), id, { status: "RUNNING" }),
      ],
    };

    expect((await toldOf({}, detail)).told).toEqual(["run run-0002", "step late", "task task-0001"]);
  });

  test("is told of alone if it is of this process", async () => {
    const detail = { steps: [rows.step(id, { state: "complete", finishedAt: at(0) })] };

    expect((await toldOf({ createdAt: instant(formerEnd + 1) }, detail)).told).toEqual(["task task-0001"]);
  });

  test("is told of even if its rows cannot be read", async () => {
    expect(await toldOf({}, new Error("no disk"))).toEqual({
      told: ["task task-0001"],
      warnings: [expect.stringContaining("a trace is incomplete")],
    });
  });

  test("is not read if it is not traced", async () => {
    for (const spec of [rows.spec(), rows.spec({ traceparent: traceparent.replace(/1$/, "0") })]) {
      expect(await toldOf({ spec }, new Error("read"))).toEqual({ told: [], warnings: [] });
    }
  });
});

test("failed Steps that waited for an operator are told of at the end of their Task", async () => {
  const spec = rows.spec({ traceparent, holdOnFailure: true });
  const detail = {
    steps: [
      rows.step(id, { name: "held", state: "error", finishedAt: instant(150_000) }),
      rows.step(id, { name: "done", state: "complete", finishedAt: instant(150_000) }),
    ],
  };

  const { told } = await toldOf({ createdAt: instant(formerEnd + 1), spec }, detail);
  expect(told).toEqual(["step held", "task task-0001"]);
});

test("a retry is told of with the Task before it, and without one that is gone", async () => {
  const createdAt = instant(formerEnd + 1);
  const retry = (retryOf: string) => rows.spec({ traceparent, retryOf: retryOf as never });

  expect((await toldOf({ createdAt, spec: retry("task-0001") }, {})).told).toEqual([
    "task task-0001 again task-0001",
  ]);
  expect((await toldOf({ createdAt, spec: retry("task-0009") }, {})).told).toEqual(["task task-0001"]);
});
