import { once } from "node:events";
import { connect } from "node:http2";
import { create, fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { type TaskEvent, TaskEventSchema, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { EventReader, type OpenEvents, openEvents, type SeenEvent } from "../kit/event-stream.js";
import { grpcJsMount } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";
import { taskWithLog } from "../kit/raw-watch.js";

let opened: Opened;

beforeEach(async () => {
  opened = await open();
});

afterEach(() => opened.gateway.close(1_000));

const output = (content: string, seq = 0): LogEntry => ({
  type: "output",
  at: instant(1),
  runId: "r" as RunId,
  fence: 1,
  seq,
  content,
  isFinal: false,
  metadata: {},
  sentAt: 0,
});
const changed = (state: "steps_in_process" | "complete"): LogEntry => ({
  type: "task",
  at: instant(2),
  state,
  hasRun: true,
  finishedAt: instant(state === "complete" ? 2 : 0),
  reason: "",
  errorMessage: "",
});
const texts = ["a\n", "b\r\ndata: {}\r\r\n\n", "\u2028ä: x\0"];
const whole = [changed("steps_in_process"), ...texts.map(output), changed("complete")];

const url = (id: string, query = "") => `http://127.0.0.1:${opened.httpPort}/v1/tasks/${id}/events${query}`;

/** Reads a stream to its end. */
async function read(id: string, query = "", headers: Record<string, string> = {}): Promise<OpenEvents> {
  const stream = await openEvents(url(id, query), headers);
  await stream.ended;
  return stream;
}

async function problem(path: string, headers: Record<string, string> = {}) {
  const { status, response, text } = await openEvents(`http://127.0.0.1:${opened.httpPort}${path}`, headers);
  return { status, headers: response.headers, body: JSON.parse(await text()) as Record<string, unknown> };
}

const kinds = ({ reader }: OpenEvents) => reader.events.map(({ id, type }) => `${id} ${type}`);

/** What WatchTask says over gRPC. */
async function watched(id: TaskId, afterSeq = 0): Promise<TaskEvent[]> {
  const mount = grpcJsMount(opened);
  const { watchTask } = TaskService.method;
  const { answers } = await mount.call(watchTask, [
    create(watchTask.input, { id, afterSeq: BigInt(afterSeq) }),
  ]);
  mount.close();
  return answers as TaskEvent[];
}

const messageOf = ({ data }: SeenEvent) => fromJsonString(TaskEventSchema, data);

describe("a Task's events", () => {
  test("are WatchTask's messages, each with its seq and kind, and then an end", async () => {
    const id = await taskWithLog(opened, whole);
    const stream = await read(id);

    expect(stream.status).toBe(200);
    expect(stream.response.headers).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
    expect(stream.reader.retry).toBe(2_000);
    expect(kinds(stream)).toEqual([
      "1 taskChanged",
      "2 output",
      "3 output",
      "4 output",
      "5 taskChanged",
      "5 end",
    ]);
    expect(stream.reader.events.slice(0, -1).map(messageOf)).toEqual(await watched(id));
    const contents = stream.reader.events.slice(1, 4).map((event) => messageOf(event).event.value);
    expect(contents).toEqual(texts.map((content) => expect.objectContaining({ content })));
    expect(stream.reader.events.at(-1)?.data).toBe("{}");
    expect(opened.counted).toContainEqual({
      name: "taskrun_requests_total",
      labels: { rpc: "taskrun.v1.TaskService/WatchTask", door: "http", code: "OK" },
    });
  });

  test("begin after a cursor; where a reader comes back, its header counts", async () => {
    const id = await taskWithLog(opened, whole);

    expect(kinds(await read(id, "?after=3"))).toEqual(["4 output", "5 taskChanged", "5 end"]);
    expect(kinds(await read(id, "?after=0", { "last-event-id": "4" }))).toEqual(["5 taskChanged", "5 end"]);
    expect(kinds(await read(id, "", { "last-event-id": "" }))).toHaveLength(6);
    expect(kinds(await read(id, "", { accept: "text/event-stream" }))).toHaveLength(6);
  });

  test("are over after the last one: 204, at which a browser does not come back", async () => {
    const id = await taskWithLog(opened, whole);
    const { status, text, response } = await read(id, "", { "last-event-id": "5" });

    expect([status, await text()]).toEqual([204, ""]);
    expect(response.headers).not.toHaveProperty("content-type");
    expect((await read(id, "?after=5")).status).toBe(204);
  });

  test("of a Task that has not ended begin at once, though nothing follows yet", async () => {
    const id = await taskWithLog(opened, whole.slice(0, 2));
    const stream = await openEvents(url(id, "?after=2"));
    await expect.poll(() => stream.reader.retry).toBe(2_000);

    expect(stream.status).toBe(200);
    expect(stream.reader.events).toEqual([]);
    stream.close();
    await expect.poll(() => opened.plane.watchers).toBe(0);
  });

  test("of an empty log are followed too", async () => {
    const id = await taskWithLog(opened, []);
    const stream = await openEvents(url(id));
    await expect.poll(() => opened.plane.watchers).toBe(1);
    stream.close();
    await expect.poll(() => opened.plane.watchers).toBe(0);
  });

  test("come over HTTP/2 alike", async () => {
    const id = await taskWithLog(opened, whole);
    const session = connect(`http://127.0.0.1:${opened.httpPort}`);
    const asked = session
      .request({ ":path": `/v1/tasks/${id}/events?after=3`, accept: "text/event-stream" })
      .setEncoding("utf8");
    const [headers] = await once(asked, "response");
    const reader = new EventReader();
    for await (const text of asked) reader.push(text);
    session.destroy();

    expect(headers[":status"]).toBe(200);
    expect(reader.events.map(({ id, type }) => `${id} ${type}`)).toEqual([
      "4 output",
      "5 taskChanged",
      "5 end",
    ]);
  });

  test("that are read in any pieces are the whole log, each once", async () => {
    const log = [...Array.from({ length: 60 }, (_, i) => output(`${i}\n\n`, i)), changed("complete")];
    const id = await taskWithLog(opened, log);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 })), async (cuts) => {
        const seen: SeenEvent[] = [];
        for (const cut of [...cuts, 61]) {
          const last = seen.at(-1)?.id;
          const stream = await openEvents(url(id), last === undefined ? {} : { "last-event-id": last });
          if (stream.status === 204) break;
          while (stream.reader.events.length < cut) {
            const more = await Promise.race([once(stream.response, "data"), stream.ended]);
            if (!more) break;
          }
          stream.close();
          seen.push(...stream.reader.events.slice(0, cut).filter(({ type }) => type !== "end"));
        }
        expect(seen.map(({ id }) => Number(id))).toEqual(log.map((_, i) => i + 1));
      }),
      { numRuns: 30 },
    );
  });
});

describe("a request that cannot be followed is answered with why", () => {
  test("of an unknown Task, 404", async () => {
    const { status, headers, body } = await problem("/v1/tasks/none/events");

    expect([status, headers["content-type"]]).toEqual([404, "application/problem+json"]);
    expect(body).toEqual({
      title: "Not Found",
      status: 404,
      detail: "Task not found: none",
      code: "NOT_FOUND",
      reason: "TASK_NOT_FOUND",
      error: { code: "NOT_FOUND", message: "Task not found: none" },
    });
  });

  test.each([
    ["/v1/tasks/%0D%0Aid:%207/events", "id", /control characters/],
    [`/v1/tasks/${"x".repeat(300)}/events`, "id", /300 bytes long/],
    ["/v1/tasks/ID/events?after=-1", "after", /^after is "-1": send the id of the last event seen/],
    ["/v1/tasks/ID/events?after=1e3", "after", /is "1e3"/],
    ["/v1/tasks/ID/events?after=99999999999999999999", "after", /is "9{20}"/],
    ["/v1/tasks/ID/events?after=", "after", /is ""/],
    ["/v1/tasks/ID/events?from=3", "from", /^from is no parameter of this path; there is after/],
    ["/v1/tasks/ID/events?after=6", "after", /^after 6 is past the last event, 5/],
  ])("%s, 400", async (path, field, detail) => {
    const id = await taskWithLog(opened, whole);
    const { status, body } = await problem(path.replace("ID", id));

    expect([status, body.field]).toEqual([400, field]);
    expect(body.detail).toMatch(detail);
  });

  test.each(["x", "0x10", "7\u00e4", "y".repeat(10_000)])("Last-Event-ID %s, 400", async (last) => {
    const id = await taskWithLog(opened, whole);
    const { status, body } = await problem(`/v1/tasks/${id}/events`, { "last-event-id": last });

    expect([status, body.field, body.reason]).toEqual([400, "Last-Event-ID", "CURSOR_INVALID"]);
    expect(JSON.stringify(body).length).toBeLessThan(500);
  });

  test("of a cursor that is no longer kept, 410, with where the log begins", async () => {
    const id = await taskWithLog(opened, whole);
    opened.plane.earliest = 3;
    const { status, body } = await problem(`/v1/tasks/${id}/events`, { "last-event-id": "1" });

    expect(status).toBe(410);
    expect(body).toMatchObject({
      code: "OUT_OF_RANGE",
      reason: "CURSOR_EXPIRED",
      field: "Last-Event-ID",
      metadata: { earliest_seq: "3" },
    });
  });

  test("by another method, 405", async () => {
    const id = await taskWithLog(opened, whole);
    const post = await fetch(url(id), { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await fetch(url("%zz"))).status).toBe(404);
  });

  test("by HEAD, its headers alone", async () => {
    const id = await taskWithLog(opened, whole);
    const ask = (path: string) =>
      fetch(path, { method: "HEAD", headers: { accept: "text/event-stream" } }).then((response) => {
        return [response.status, response.headers.get("content-type")];
      });
    expect(await ask(url(id))).toEqual([200, "text/event-stream"]);
    expect(await ask(url("none"))).toEqual([404, "application/problem+json"]);
  });

  test("of somebody whose namespaces it is not in, 404", async () => {
    const own = await open({ identify: () => ({ principal: "b", namespaces: ["b"], roles: [] }) });
    const { plane } = opened;
    const id = await taskWithLog(opened, whole);
    const detail = plane.details.get(id);
    if (detail) own.plane.details.set(id, detail);
    const { status } = await openEvents(`http://127.0.0.1:${own.httpPort}/v1/tasks/${id}/events`);
    await own.gateway.close(1_000);

    expect(status).toBe(404);
  });
});

describe("a drain", () => {
  test("ends streams without an end, with why as a comment", async () => {
    const id = await taskWithLog(opened, whole.slice(0, 3));
    const stream = await openEvents(url(id));
    await expect.poll(() => stream.reader.events.length).toBe(3);
    await opened.gateway.close(600_000);
    await stream.ended;

    expect(kinds(stream)).toEqual(["1 taskChanged", "2 output", "3 output"]);
    expect(stream.reader.comments).toEqual(["server draining"]);
    expect(opened.counted.map(({ labels }) => labels?.code)).toContain("UNAVAILABLE");
  });

  test("tells a new reader so, and one that comes back to come again", async () => {
    const id = await taskWithLog(opened, whole);
    const { createServer } = await import("node:http");
    const server = createServer(opened.gateway.handler()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await opened.gateway.close(1_000);
    const ask = (headers: Record<string, string>) =>
      openEvents(`http://127.0.0.1:${port}/v1/tasks/${id}/events`, headers);
    const fresh = await ask({});
    const back = await ask({ "last-event-id": "2" });
    await back.ended;
    server.close();

    expect([fresh.status, fresh.response.headers["retry-after"]]).toEqual([503, "1"]);
    expect([back.status, back.reader.retry, back.reader.events]).toEqual([200, 2_000, []]);
    expect(back.reader.comments).toEqual(["server draining"]);
  });
});

test("a log that fails under its reader ends the stream, and says nothing of the inside", async () => {
  const id = await taskWithLog(opened, whole);
  opened.plane.watch = async function* () {
    yield { firstSeq: 1, entries: whole.slice(0, 1) };
    throw new Error("secret");
  };
  const stream = await read(id);

  expect(kinds(stream)).toEqual(["1 taskChanged"]);
  expect(stream.reader.comments.join()).toMatch(/WatchTask failed inside; the server's log says why/);
  expect(opened.errors).toEqual([expect.objectContaining({ message: "secret" })]);
});

test("a reader that does not read costs no more than one of WatchTask, and is cut by a drain", async () => {
  const chunk = "x".repeat(limits.chunkBytes);
  const id = await taskWithLog(
    opened,
    Array.from({ length: 400 }, (_, i) => output(chunk, i)),
  );
  const { request } = await import("node:http");
  const asked = request(url(id), { agent: false, headers: { accept: "text/event-stream" } }).end();
  const [response] = await once(asked, "response");
  response.on("error", () => undefined);
  let before = -1;
  const settled = () => {
    const same = opened.plane.slicesRead > 0 && opened.plane.slicesRead === before;
    before = opened.plane.slicesRead;
    return same;
  };
  await expect.poll(settled, { interval: 100 }).toBe(true);

  // What the kernel holds for a peer on this machine, which is beyond anybody's reach, is most of it.
  expect(opened.plane.slicesRead).toBeLessThan(200);
  await opened.gateway.close(600_000);
  await expect.poll(() => opened.plane.watchers).toBe(0);
  asked.destroy();
});
