/** One signal for many calls, as a service has that aborts all it does when it stops. */
import { getEventListeners } from "node:events";
import { ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "#client/index";
import { RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { aTask, Code, fakePlane, lifeOf } from "./fake-plane.js";

/** The warnings of Node that come until the test has ended. */
function warnings(): string[] {
  const all: string[] = [];
  const note = ({ message }: Error) => all.push(message);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  return all;
}

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test("a signal may be given to any number of calls, waits and watches at once", async () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  await using plane = await fakePlane({
    getTask: async ({ id }) => opened.then(() => aTask({ id })),
    waitTask: async ({ id }) => opened.then(() => aTask({ id, status: 3, state: 9 })),
    async *watchTask({ id }) {
      await opened;
      yield* lifeOf(id, ["a"]);
    },
  });
  const client = createClient({ addr: plane.addr });
  onTestFinished(() => client.close());
  const warned = warnings();
  const { signal } = new AbortController();
  const watched = async (id: string) => {
    let last: string = "";
    for await (const { type } of client.tasks.watch(id, { signal })) last = type;
    return last;
  };
  const ids = Array.from({ length: 15 }, (_, i) => `t${i}`);
  const work = ids.flatMap((id): Promise<unknown>[] => [
    client.tasks.get(id, { signal }),
    client.tasks.wait(id, { signal }),
    watched(id),
  ]);
  await turn();
  expect(listeners(signal)).toBe(1);
  open();
  await Promise.all(work);
  await turn();

  expect(warned).toEqual([]);
  expect(listeners(signal)).toBe(0);
});

test("aborting it ends all of them, also those that pause before they try again", async () => {
  await using plane = await fakePlane({
    getTask: () => new Promise<never>(() => {}),
    createTask: () => {
      const retryDelay = { seconds: 60n, nanos: 0 };
      throw new ConnectError("busy", Code.Unavailable, undefined, [
        { desc: RetryInfoSchema, value: { retryDelay } },
      ]);
    },
  });
  const client = createClient({ addr: plane.addr });
  onTestFinished(() => client.close());
  const warned = warnings();
  const aborter = new AbortController();
  const { signal } = aborter;
  const code = (call: Promise<unknown>) => call.then(String, (error) => error.code);
  const gets = Array.from({ length: 12 }, () => code(client.tasks.get("t", { signal })));
  const creates = Array.from({ length: 12 }, () => code(client.tasks.create({ agent: "a" }, { signal })));
  await turn();
  expect(listeners(signal)).toBe(1);
  aborter.abort();

  expect(new Set(await Promise.all(gets))).toEqual(new Set(["CANCELLED"]));
  expect(new Set(await Promise.all(creates))).toEqual(new Set(["CANCELLED"]));
  expect(warned).toEqual([]);
  expect(listeners(signal)).toBe(0);
  expect(await code(client.tasks.get("t", { signal }))).toBe("CANCELLED");
});
