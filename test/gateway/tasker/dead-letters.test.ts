/** What Tasker's paths of dead letters answer with. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import type { DeadLetterStatus } from "#domain/task/dead-letter";
import { instant } from "#domain/time/time";
import { deadLetter, task } from "#testing/rows";
import { type Opened, open } from "../kit/open.js";
import { asked, held, holdTask } from "./kit.js";

let opened: Opened;

beforeEach(async () => {
  opened = await open();
  holdTask(opened.plane);
});

afterEach(() => opened.gateway.close(1_000));

const ask = (line: string, body?: unknown) => asked(opened.httpPort, line, body);

test("dead letters are entries of Tasker's queue", async () => {
  const list = await ask("GET /v1/dlq?resolution_status=Pending&limit=10&offset=0");
  const one = await ask(`GET /v1/dlq/task/${held}`);
  const entry = {
    dlq_entry_uuid: held,
    task_uuid: held,
    dlq_reason: "manual_dlq",
    resolution_status: "pending",
  };
  expect(list.body).toEqual([expect.objectContaining(entry)]);
  expect(one.body).toMatchObject({
    ...entry,
    original_state: "error",
    reason: "DEAD_LETTER_REASON_HELD",
    task_snapshot: { message: "no such city" },
    resolution_timestamp: null,
  });
  expect((await ask("GET /v1/dlq?resolution_status=manually_resolved")).body).toEqual([]);
  expect((await ask("GET /v1/dlq/stats")).body).toMatchObject([
    { dlq_reason: "manual_dlq", total_entries: 1, pending: 1, avg_resolution_time_minutes: null },
  ]);
  expect((await ask("GET /v1/dlq/investigation-queue?limit=5")).body).toMatchObject([
    { task_uuid: held, task_name: "echo", namespace_name: "orders" },
  ]);
  expect((await ask("GET /v1/dlq/staleness")).body).toMatchObject([
    { task_uuid: held, current_state: "blocked_by_failures", task_name: "fulfil" },
  ]);
  const changed = await ask(`PATCH /v1/dlq/entry/${held}`, {
    resolution_status: "manually_resolved",
    resolution_notes: "by hand",
    resolved_by: "ann",
  });
  expect(changed.body).toMatchObject({ success: true, dlq_entry_uuid: held });
});

test("those that were resolved are found behind any number of others, whichever way it came about", async () => {
  const letter = (i: number, status: DeadLetterStatus) => {
    const id = `0194${String(i).padStart(4, "0")}` as TaskId;
    opened.plane.details.set(id, { task: task(id), input: "{}", steps: [], runs: [] });
    opened.plane.deadLetters.set(id, deadLetter(id, { status, createdAt: instant(1_000 + i) }));
  };
  letter(0, "MOVED_ON");
  letter(1, "MANUALLY_RESOLVED");
  for (let i = 2; i < 40; i++) letter(i, "PENDING");
  const found = async (more: string) => {
    const { body } = await ask(`GET /v1/dlq?resolution_status=manually_resolved${more}`);
    return body.map((entry: { task_uuid: string }) => entry.task_uuid);
  };
  expect(await found("")).toEqual(["01940001", "01940000"]);
  expect(await found("&limit=1")).toEqual(["01940001"]);
  expect(await found("&offset=1")).toEqual(["01940000"]);
});

test("the next page of the queue is named by its query alone, wherever the paths are served", async () => {
  for (const id of ["01950000", "01950001"] as TaskId[]) {
    opened.plane.details.set(id, { task: task(id), input: "{}", steps: [], runs: [] });
    opened.plane.deadLetters.set(id, deadLetter(id));
  }
  const { headers } = await ask("GET /v1/dlq?resolution_status=pending&limit=1");
  expect(headers.get("link")).toMatch(
    /^<\?resolution_status=pending&limit=1&page_token=[\w-]+>; rel="next"$/,
  );
});

test.each([
  [{}, "resolution_status is required if there are no notes"],
  [{ resolution_status: "done" }, 'resolution_status is "done"'],
  ['{"resolution_notes":1.10}', "resolution_notes is no text"],
  ['{"resolution_notes":"x","resolved_by":12345678901234567890}', "resolved_by is no text"],
  [{ resolution_notes: "x", metadata: { a: 1 } }, "metadata is not kept"],
  [{ notes: "x" }, "notes is not known here"],
])("an update of a dead letter that says %j is refused", async (body, words) => {
  const answer = await ask(`PATCH /v1/dlq/entry/${held}`, body);
  expect([answer.status, answer.body.error.message]).toEqual([400, expect.stringContaining(words)]);
});
