import { expect, test } from "vitest";
import { createClient, type TaskEvent } from "#client/index";
import { aTask, Code, fakePlane, lifeOf, refuse } from "./fake-plane.js";

async function collect(events: AsyncIterable<TaskEvent>): Promise<TaskEvent[]> {
  const seen: TaskEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const texts = Array.from({ length: 20 }, (_, i) => `line ${i}\n`);

test("a watch whose connection is cut goes on from the last event, and brings each seq once", async () => {
  const life = lifeOf("t1", texts);
  const asked: number[] = [];
  const seen: TaskEvent[] = [];
  await using plane = await fakePlane({
    async *watchTask({ afterSeq }) {
      asked.push(Number(afterSeq));
      const rest = life.slice(Number(afterSeq));
      if (asked.length > 3) return yield* rest;

      yield* rest.slice(0, 5);
      // What was written reaches the client before the cut does.
      await expect.poll(() => seen.length).toBe(Number(afterSeq) + 5);
      plane.cut();
    },
  });
  const client = createClient({ addr: plane.addr });

  const lost: string[] = [];
  const events = client.tasks.watch("t1", { onLost: ({ code }) => lost.push(code) });
  for await (const event of events) seen.push(event);
  client.close();

  expect(lost).toEqual(["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
  expect(seen.map(({ seq }) => seq)).toEqual(life.map((_, i) => i + 1));
  expect(seen.flatMap((event) => (event.type === "output" ? event.output.content : [])).join("")).toBe(
    texts.join(""),
  );
  expect(asked).toEqual([0, 5, 10, 15]);
});

test("a watch that ends early, repeats itself or leaves a gap is taken up where it stood", async () => {
  const life = lifeOf("t1", texts);
  let times = 0;
  await using plane = await fakePlane({
    async *watchTask({ afterSeq }) {
      times += 1;
      if (times === 1) yield* life.slice(0, 4);
      else if (times === 2) yield* life.slice(0, 8);
      else if (times === 3) yield* life.slice(9, 12);
      else yield* life.slice(Number(afterSeq));
    },
  });
  const client = createClient({ addr: plane.addr });

  const seen = await collect(client.tasks.watch("t1"));
  client.close();

  expect(seen.map(({ seq }) => seq)).toEqual(life.map((_, i) => i + 1));
});

test("a watch begins after the seq it is given", async () => {
  const life = lifeOf("t1", ["a", "b"]);
  await using plane = await fakePlane({
    async *watchTask({ afterSeq }) {
      yield* life.slice(Number(afterSeq));
    },
  });
  const client = createClient({ addr: plane.addr });

  const seen = await collect(client.tasks.watch("t1", { afterSeq: 4 }));
  client.close();

  expect(seen.map(({ seq, type }) => `${seq} ${type}`)).toEqual(["5 run", "6 task"]);
});

test("a watch that begins after the last event of an ended task ends at once, with none", async () => {
  const asked: string[] = [];
  await using plane = await fakePlane({
    // biome-ignore lint/correctness/useYield: there is nothing left to say.
    async *watchTask() {
      asked.push("watch");
    },
    getTask({ id }) {
      asked.push("get");
      return aTask({ id, status: 3 });
    },
  });
  const client = createClient({ addr: plane.addr });
  const lost: unknown[] = [];

  const seen = await collect(client.tasks.watch("t1", { afterSeq: 6, onLost: (error) => lost.push(error) }));
  client.close();

  expect({ seen, lost, asked }).toEqual({ seen: [], lost: [], asked: ["watch", "get"] });
});

test("a watch that ends without an event while its task goes on is opened again", async () => {
  const life = lifeOf("t1", ["a"]);
  let times = 0;
  await using plane = await fakePlane({
    async *watchTask({ afterSeq }) {
      times += 1;
      if (times > 1) yield* life.slice(Number(afterSeq));
    },
    getTask: ({ id }) => aTask({ id, status: 2 }),
  });
  const client = createClient({ addr: plane.addr });

  const seen = await collect(client.tasks.watch("t1", { afterSeq: 3 }));
  client.close();

  expect(seen.map(({ seq }) => seq)).toEqual([4, 5]);
});

test.each([
  [Code.NotFound, "NOT_FOUND"],
  [Code.OutOfRange, "OUT_OF_RANGE"],
  [Code.InvalidArgument, "INVALID_ARGUMENT"],
  [Code.PermissionDenied, "PERMISSION_DENIED"],
])("an answer that stays the same ends the watch at once (%s)", async (code, name) => {
  let times = 0;
  await using plane = await fakePlane({
    // biome-ignore lint/correctness/useYield: it refuses before it has anything to say.
    async *watchTask() {
      times += 1;
      refuse(code, "no");
    },
  });
  const client = createClient({ addr: plane.addr });

  await expect(collect(client.tasks.watch("t1"))).rejects.toMatchObject({ code: name, message: "no" });
  client.close();

  expect(times).toBe(1);
});

test("a watch gives up after so many failures without an event", async () => {
  let times = 0;
  await using plane = await fakePlane({
    // biome-ignore lint/correctness/useYield: it refuses before it has anything to say.
    async *watchTask() {
      times += 1;
      refuse(Code.Unavailable, "starting");
    },
  });
  const client = createClient({ addr: plane.addr });

  await expect(collect(client.tasks.watch("t1", { failuresMax: 3 }))).rejects.toMatchObject({
    code: "UNAVAILABLE",
  });
  client.close();

  expect(times).toBe(3);
});

test("an aborted watch ends without an error, and the server hears of it", async () => {
  const life = lifeOf("t1", texts);
  let gone = () => {};
  const heard = new Promise<void>((resolve) => {
    gone = resolve;
  });
  await using plane = await fakePlane({
    async *watchTask(_, { signal }) {
      signal.addEventListener("abort", gone);
      yield* life.slice(0, 3);
      await heard;
    },
  });
  const client = createClient({ addr: plane.addr });
  const stop = new AbortController();

  const seen: number[] = [];
  for await (const { seq } of client.tasks.watch("t1", { signal: stop.signal })) {
    seen.push(seq);
    if (seq === 3) stop.abort();
  }
  await heard;
  client.close();

  expect(seen).toEqual([1, 2, 3]);
});
