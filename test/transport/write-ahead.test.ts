import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { writeAhead } from "#transport/write-ahead";

/** A stream that keeps each write, and what came meanwhile as one, until it is let go. */
function slow(highWaterMark: number) {
  const left: string[] = [];
  const held: ((error?: Error) => void)[] = [];
  const stream = new Writable({
    highWaterMark,
    write: (chunk, _, done) => {
      left.push(String(chunk));
      held.push(done);
    },
    writev: (chunks, done) => {
      left.push(chunks.map(({ chunk }) => String(chunk)).join(" "));
      held.push(done);
    },
  });
  stream.on("error", () => undefined);
  writeAhead(stream);
  return { stream, left, release: (error?: Error) => held.shift()?.(error) };
}

/** Writes as the transport does: the next one once it is told that the one before was written. */
function send(stream: Writable, messages: readonly string[], failed: Error[] = []): string[] {
  const taken: string[] = [];
  const next = (): void => {
    const message = messages[taken.length];
    if (message === undefined) return;
    taken.push(message);
    stream.write(message, "utf8", (error) => (error ? failed.push(error) : queueMicrotask(next)));
  };
  next();
  return taken;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what is written while a write is under way leaves as one", async () => {
  const { stream, left, release } = slow(100);
  send(stream, ["a", "b", "c"]);
  await turn();
  release();
  await turn();

  expect(left).toEqual(["a", "b c"]);
});

test("no more is taken than the stream has room for", async () => {
  const { stream, left, release } = slow(4);
  const taken = send(stream, ["aa", "bb", "cc", "dd"]);
  await turn();
  release();
  await turn();
  expect(taken).toEqual(["aa", "bb"]);
  release();
  await turn();

  expect([taken, left]).toEqual([
    ["aa", "bb", "cc", "dd"],
    ["aa", "bb", "cc"],
  ]);
});

test("a write that fails tells of it once, and nothing is taken after it", async () => {
  const { stream, release } = slow(1);
  const failed: Error[] = [];
  const taken = send(stream, ["a", "b"], failed);
  release(new Error("gone"));
  await turn();

  expect(failed.map(({ message }) => message)).toEqual(["gone"]);
  expect(taken).toEqual(["a"]);
});
