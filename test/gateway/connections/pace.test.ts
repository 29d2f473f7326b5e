/** Who sends many messages at once has them dealt with a few at a time, and others go in between. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Pace } from "#gateway/connections/pace";
import { limits } from "#limits/index";
import { paths } from "../../hostile/raw/paths.js";
import { envelope } from "../../hostile/raw/raw-http2.js";
import { type Opened, open } from "../kit/open.js";
import { rawCall } from "../kit/raw-call.js";

const iteration = () => new Promise<void>((resolve) => setImmediate(resolve));

test("so many messages may be dealt with at once, and the next ones in turn by stream", async () => {
  const pace = new Pace();
  for (let i = 0; i < limits.messagesPerIteration; i++) expect(pace.next()).toBeUndefined();
  const taken: string[] = [];
  const stream = async (name: string, messages: number) => {
    for (let i = 0; i < messages; i++) {
      await pace.next();
      taken.push(name);
    }
  };
  const streams = [stream("many", 1_000), stream("one", 1)];
  expect(taken).toEqual([]);
  await iteration();
  expect(taken.slice(0, 2)).toEqual(["many", "one"]);
  expect(taken.length).toBeLessThanOrEqual(limits.messagesPerIteration);
  await Promise.all(streams);
  expect(taken).toHaveLength(1_001);
});

test("a pace that nobody has asked for an iteration long is whole again", async () => {
  const pace = new Pace();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < limits.messagesPerIteration; i++) expect(pace.next()).toBeUndefined();
    await iteration();
    await iteration();
  }
});

let opened: Opened;

beforeAll(async () => {
  opened = await open();
});
afterAll(() => opened.gateway.close(1_000));

test.each(["grpcPort", "httpPort"] as const)(
  "messages that came together leave room for others between them (%s)",
  async (port) => {
    const messages = 4_000;
    let iterations = 0;
    const count = () => {
      iterations += 1;
      counter = setImmediate(count);
    };
    let counter = setImmediate(count);
    const body = Buffer.concat(Array<Buffer>(messages).fill(envelope(Buffer.alloc(0))));
    await rawCall(opened[port], paths.reflection, body, { "content-type": "application/grpc" });
    clearImmediate(counter);
    expect(iterations).toBeGreaterThanOrEqual(Math.floor(messages / limits.messagesPerIteration));
  },
);
