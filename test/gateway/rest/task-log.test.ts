/** A Task's log over HTTP for who does not follow it: its events as a list, and the text of its output. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { instant } from "#domain/time/time";
import { type Opened, open } from "../kit/open.js";
import { taskWithLog } from "../kit/raw-watch.js";

let opened: Opened;
beforeEach(async () => {
  opened = await open();
});
afterEach(() => opened.gateway.close(1_000));

const [first, second] = ["run-1", "run-2"] as RunId[];
const put = (content: string, runId = first as RunId): LogEntry => ({
  ...{
    type: "output",
    at: instant(1),
    runId,
    fence: 1,
    seq: 0,
    content,
    isFinal: false,
    metadata: {},
    sentAt: 0,
  },
});
const said = (id: string, kind: number, name = ""): LogEntry =>
  ({
    ...{
      type: "event",
      at: instant(3),
      runId: first as RunId,
      id,
      kind,
      name,
      metadata: { tool: "search" },
      sentAt: 3,
    },
  }) as LogEntry;
const changed = (state: "steps_in_process" | "complete"): LogEntry => ({
  ...{
    type: "task",
    at: instant(2),
    state,
    hasRun: true,
    finishedAt: instant(0),
    reason: "",
    errorMessage: "",
  },
});
const log = [
  ...[
    changed("steps_in_process"),
    put("Hello "),
    said("e-1", 3),
    said("e-2", 100, "halfway"),
    put("other", second),
  ],
  ...[put("Ada\n"), changed("complete")],
];

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${opened.httpPort}${path}`, { headers });
  return {
    status: response.status,
    headers: response.headers,
    json: JSON.parse(await response.text()) as never,
  };
}

interface Listed {
  readonly [name: string]: unknown;
}

test("events are a list, with the names that public clients know and the whole message", async () => {
  const id = await taskWithLog(opened, log);
  const { status, headers, json } = await get(`/v1/tasks/${id}/events`);
  const events = json as readonly Listed[];
  expect([status, headers.get("content-type"), headers.get("link")]).toEqual([200, "application/json", null]);
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(events.map(({ event_type }) => event_type)).toEqual([
    ...["task_changed", "output", "tool_requested", "halfway", "output", "output", "task_changed"],
  ]);
  expect(events[2]).toMatchObject({
    ...{ id: "e-1", run_id: "run-1", task_id: id, timestamp_ms: 3, metadata: { tool: "search" } },
    event: { seq: "3", run_event: { event_type: "RUN_EVENT_TYPE_TOOL_REQUESTED" } },
  });
  expect(events[0]).toMatchObject({ id: "1", run_id: "", metadata: {} });

  const rest = await get(`/v1/tasks/${id}/events?after=5`, { accept: "application/json" });
  expect((rest.json as readonly Listed[]).map(({ seq }) => seq)).toEqual([6, 7]);
  expect((await get(`/v1/tasks/${id}/events?after=7`)).json).toEqual([]);
});

/** Has the log read in pages of so many entries. */
function pagesOf(most: number): void {
  const whole = opened.plane.reads.log;
  Object.assign(opened.plane.reads, {
    log: async (...args: Parameters<typeof whole>) => {
      const slice = await whole(...args);
      return { ...slice, entries: slice.entries.slice(0, most) };
    },
  });
}

test("of a log that is longer than a page, Link names the next one", async () => {
  const id = await taskWithLog(opened, log);
  pagesOf(3);
  const seen: unknown[] = [];
  let next = "";
  for (let i = 0; i < 9; i++) {
    const { headers, json } = await get(`/v1/tasks/${id}/events${next}`);
    seen.push(...(json as readonly Listed[]).map(({ seq }) => seq));
    const [, query] = /^<(\?after=\d+)>; rel="next"$/.exec(headers.get("link") ?? "") ?? [];
    if (query === undefined) break;
    next = query;
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect((await get(`/v1/tasks/${id}/output`)).json).toMatchObject({ output: "Hello ", next_after: 3 });
});

test("the output of all pages is that of one Run", async () => {
  const id = await taskWithLog(opened, log);
  pagesOf(1);
  const path = `/v1/tasks/${id}/output`;
  const seen: unknown[] = [];
  let next: string | undefined = "";
  while (next !== undefined) {
    const { headers, json } = await get(`${path}${next}`);
    const { run_id, output } = json as Listed;
    seen.push([run_id, output]);
    [, next] = /^<(\?after=\d+&run_id=[\w-]*)>; rel="next"$/.exec(headers.get("link") ?? "") ?? [];
  }
  expect(seen).toEqual([
    [null, null],
    ["run-1", "Hello "],
    ...[null, null, null].map(() => ["run-1", null]),
    ["run-1", "Ada\n"],
    ["run-1", null],
  ]);

  const { status, json } = await get(`${path}?after=4`);
  expect([status, json]).toEqual([400, expect.objectContaining({ field: "run_id" })]);
  expect((await get(`${path}?after=0`)).status).toBe(200);
  expect((await get(`${path}?after=4&run_id=`)).json).toMatchObject({ run_id: "run-2", output: "other" });
});

test("the output is the text of the first Run that has any, or of another one", async () => {
  const id = await taskWithLog(opened, log);
  expect((await get(`/v1/tasks/${id}/output`)).json).toEqual({
    ...{ task_id: id, run_id: "run-1", output: "Hello Ada\n", next_after: null },
  });
  expect((await get(`/v1/tasks/${id}/output?run_id=run-2`)).json).toMatchObject({ output: "other" });
  expect((await get(`/v1/tasks/${id}/output?run_id=none`)).json).toMatchObject({
    run_id: "none",
    output: null,
  });
  const silent = await taskWithLog(opened, [changed("complete")]);
  expect((await get(`/v1/tasks/${silent}/output`)).json).toMatchObject({ run_id: null, output: null });
});

test("what is wrong is said by the name of the parameter", async () => {
  const id = await taskWithLog(opened, log);
  for (const path of ["events", "output"]) {
    for (const [query, field, words] of [
      ["after=-1", "after", /^after is "-1"/],
      ["after=8", "after", /^after 8 is past the last event, 7/],
      ["after=1&after=2", "after", /is there twice/],
      ["from=1", "from", /^from is no parameter of this path; there (is after\.|are after, run_id\.)$/],
    ] as const) {
      const run = path === "output" ? "&run_id=run-1" : "";
      const { status, json } = await get(`/v1/tasks/${id}/${path}?${query}${run}`);
      expect([status, json], query).toEqual([
        400,
        expect.objectContaining({ field, detail: expect.stringMatching(words) }),
      ]);
    }
    expect((await get(`/v1/tasks/none/${path}`)).status).toBe(404);
  }
  opened.plane.earliest = 3;
  expect((await get(`/v1/tasks/${id}/events?after=1`)).json).toMatchObject({
    status: 410,
    metadata: { earliest_seq: "3" },
  });
  expect((await get(`/v1/tasks/${id}/events`)).json).toHaveLength(5);
});

test("who reads events gets a stream", async () => {
  const id = await taskWithLog(opened, log);
  for (const headers of [
    { accept: "text/event-stream" },
    { accept: "text/html, text/event-stream;q=0.5" },
    { "last-event-id": "6" },
  ]) {
    const response = await fetch(`http://127.0.0.1:${opened.httpPort}/v1/tasks/${id}/events`, {
      headers: headers as never,
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toContain("event: end");
  }
});

test("who does not take a stream gets the list, and a cache knows by what they differ", async () => {
  const id = await taskWithLog(opened, log);
  const path = `/v1/tasks/${id}/events`;
  for (const accept of ["text/event-stream;q=0", "application/json, text/event-stream; q=0.0", "*/*"]) {
    const { headers } = await get(path, { accept });
    expect([headers.get("content-type"), headers.get("vary")], accept).toEqual([
      "application/json",
      "Accept, Last-Event-ID",
    ]);
  }
  const url = `http://127.0.0.1:${opened.httpPort}${path}`;
  for (const [headers, status] of [
    [{ accept: "text/event-stream" }, 200],
    [{ "if-none-match": "*" }, 304],
    [{ accept: "text/event-stream;q=0, */*", "last-event-id": "6" }, 200],
  ] as const) {
    const response = await fetch(url, { headers });
    expect([response.status, response.headers.get("vary")]).toEqual([status, "Accept, Last-Event-ID"]);
    await response.text();
  }
});
