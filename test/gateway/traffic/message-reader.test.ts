import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageReader } from "#gateway/traffic/message-reader";
import { limits } from "#limits/index";
import { envelope } from "../../hostile/raw/raw-http2.js";

const MIB = 1024 * 1024;
/** As a transport reads: many peers' bytes in one piece of memory. */
const readBuffer = () => Buffer.alloc(64 * 1024);

function arrayBytes(): number {
  return process.memoryUsage().arrayBuffers;
}

test("messages come out as they went in, however they were cut", () => {
  const message = fc.record({ flags: fc.constantFrom(0, 1, 2), bytes: fc.uint8Array({ maxLength: 300 }) });
  const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      cuts,
      fc.integer({ min: 1, max: 4 }),
      (sent, sizes, lag) => {
        const wire = Buffer.concat(
          sent.map(({ flags, bytes }) => envelope(Buffer.from(bytes), undefined, flags)),
        );
        const reader = new MessageReader();
        const got: { flags: number; bytes: Buffer }[] = [];
        const drain = () => {
          for (let next = reader.take(); next; next = reader.take()) got.push(next);
        };
        for (let at = 0, n = 0; at < wire.length; n++) {
          const size = sizes[n % sizes.length] ?? 1;
          reader.push(wire.subarray(at, at + size));
          at += size;
          if (n % lag === 0) drain();
        }
        drain();
        // Compared at the end: what was taken must not have been written over.
        expect(got.map(({ flags, bytes }) => ({ flags, bytes: [...bytes] }))).toEqual(
          sent.map(({ flags, bytes }) => ({ flags, bytes: [...bytes] })),
        );
        expect(reader.held).toBe(0);
      },
    ),
  );
});

test("what is announced costs nothing until it comes", () => {
  const before = arrayBytes();
  const readers = Array.from({ length: 2_000 }, () => {
    const reader = new MessageReader();
    reader.push(envelope(Buffer.alloc(0), 4 * MIB));
    expect(reader.take()).toBeUndefined();
    return reader;
  });
  expect(arrayBytes() - before).toBeLessThan(2 * MIB);
  expect(readers.every(({ held }) => held === 5)).toBe(true);
});

test("a few bytes do not keep the memory alive in which they were read", () => {
  const before = arrayBytes();
  const readers = Array.from({ length: 500 }, (_, n) => {
    const reader = new MessageReader();
    const read = readBuffer();
    envelope(Buffer.alloc(0), 1_000).copy(read);
    reader.push(read.subarray(0, 5));
    if (n % 2 === 0) expect(reader.take()).toBeUndefined();
    else reader.compact();
    return reader;
  });
  (globalThis as { gc?: () => void }).gc?.();
  // Uncollected garbage counts as well: 500 of these reads are 32 MiB, and all that is needed is a few kilobytes.
  expect(readers.reduce((sum, { held }) => sum + held, 0)).toBe(2_500);
  for (const reader of readers) expect(backingOf(reader)).toBeLessThan(1_024);
  expect(before).toBeGreaterThan(0);
});

test("many small pieces are one piece of memory, twice their size at most", () => {
  const reader = new MessageReader();
  reader.push(envelope(Buffer.alloc(0), 4 * MIB));
  reader.take();
  const read = readBuffer();
  for (let n = 0; n < 100_000; n++) {
    reader.push(read.subarray(n % 100, (n % 100) + 1));
    if (n % 1_000 === 0) expect(backingOf(reader)).toBeLessThan(2 * reader.held + 128);
  }
  expect(reader.held).toBe(100_005);
});

test("a message above the limit is refused when it is announced, not before it has five bytes", () => {
  const reader = new MessageReader();
  const announced = envelope(Buffer.alloc(0), limits.messageBytes + 1);
  reader.push(announced.subarray(0, 4));
  expect(reader.take()).toBeUndefined();
  expect(reader.complete).toBe(false);
  reader.push(announced.subarray(4));
  expect(reader.complete).toBe(true);
  expect(() => reader.take()).toThrow(/4194305 bytes long; the limit is 4194304/);
  expect(() => reader.compact()).toThrow(/limit/);
});

test("a body without a prefix is one message of the same size at most", () => {
  const reader = new MessageReader(false);
  for (let n = 0; n < 64; n++) {
    reader.push(Buffer.alloc(65_536, n));
    reader.compact();
  }
  reader.push(Buffer.alloc(1));
  expect(() => reader.compact()).toThrow(/limit/);
  expect(reader.takeAll()).toHaveLength(limits.messageBytes + 1);
});

/** How much memory is behind what a reader holds: seen by taking it out. */
function backingOf(reader: MessageReader): number {
  const bytes = reader.takeAll();
  const { byteLength } = bytes.buffer;
  reader.push(bytes);
  try {
    reader.take();
  } catch {}
  return byteLength;
}
