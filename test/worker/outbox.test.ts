import fc from "fast-check";
import { expect, test } from "vitest";
import { type Chunk, Outbox } from "#worker/run/outbox";

const KIB = 1024;

function filled(sizes: readonly number[]): Outbox<string> {
  const outbox = new Outbox<string>();
  for (const size of sizes) outbox.add("x".repeat(size), size, {}, 0);
  return outbox;
}

function drain(outbox: Outbox<string>): (number | string)[] {
  const taken: (number | string)[] = [];
  for (let entry = outbox.take(); entry; entry = outbox.take()) {
    taken.push(entry.kind === "chunk" ? entry.seq : entry.content);
  }
  return taken;
}

test("chunks are sent in order, and again from the first that is not durable", () => {
  const outbox = filled([1, 1, 1, 1]);
  expect(drain(outbox)).toEqual([0, 1, 2, 3]);

  outbox.acknowledge(2);
  outbox.rewind();

  expect(outbox.lowest).toBe(2);
  expect(drain(outbox)).toEqual([2, 3]);
});

test("bytes under way stay within the credit until an acknowledgement makes room", () => {
  const outbox = filled([100 * KIB, 100 * KIB, 100 * KIB]);
  expect(drain(outbox)).toEqual([0, 1]);
  expect(outbox.hasRoom(1)).toBe(false);

  outbox.acknowledge(1);

  expect(drain(outbox)).toEqual([2]);
});

test("a chunk larger than the credit goes alone, and none goes without credit", () => {
  const outbox = filled([10, 10]);
  outbox.setCredit(0);
  expect(drain(outbox)).toEqual([]);

  outbox.setCredit(5);
  expect(drain(outbox)).toEqual([0]);
  outbox.acknowledge(1);
  expect(drain(outbox)).toEqual([1]);
});

test("a note keeps its place among the chunks and is told once", () => {
  const outbox = filled([1]);
  outbox.addNote("between");
  outbox.add("x", 1, {}, 0);

  expect(drain(outbox)).toEqual([0, "between", 1]);
  outbox.rewind();
  expect(drain(outbox)).toEqual([0, 1]);
});

test("notes that wait for a connection are bounded: the oldest are forgotten", () => {
  const outbox = new Outbox<string>();
  const kept = Array.from({ length: 300 }, (_, i) => outbox.addNote(String(i)));

  expect(kept.filter(Boolean)).toHaveLength(256);
  expect(drain(outbox)[0]).toBe("44");
});

type Step =
  | { readonly do: "add"; readonly bytes: number }
  | { readonly do: "note" }
  | { readonly do: "send" }
  | { readonly do: "lose" }
  | { readonly do: "ack"; readonly share: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("add" as const), bytes: fc.integer({ min: 1, max: 64 * KIB }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "note" as const }) },
  { weight: 6, arbitrary: fc.constant({ do: "send" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "lose" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("ack" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

test("whatever is lost, a plane that takes chunks in order gets each once, within the credit", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const outbox = new Outbox<string>();
      const sizes: number[] = [];
      let durable = 0; // what the plane has, which the worker may not know yet
      let acked = 0;
      const receive = ({ seq, bytes }: Chunk): void => {
        if (seq === durable) durable += 1;
        expect(seq).toBeLessThanOrEqual(durable);
        expect(bytes).toBe(sizes[seq]);
      };
      const bytesFrom = (first: number): number => sizes.slice(first).reduce((sum, size) => sum + size, 0);

      for (const now of steps) {
        if (now.do === "add" && outbox.hasRoom(now.bytes)) {
          sizes.push(now.bytes);
          outbox.add("x", now.bytes, {}, 0);
        } else if (now.do === "note") {
          outbox.addNote("note");
        } else if (now.do === "send") {
          const entry = outbox.take();
          if (entry?.kind === "chunk") receive(entry);
        } else if (now.do === "lose") {
          outbox.acknowledge(durable);
          outbox.rewind();
          acked = durable;
        } else if (now.do === "ack") {
          acked += Math.floor(now.share * (durable - acked));
          outbox.acknowledge(acked);
        }
        expect(outbox.lowest).toBe(acked);
        expect(outbox.bytes).toBe(bytesFrom(acked));
        expect(outbox.bytes).toBeLessThanOrEqual(256 * KIB);
      }

      for (let quiet = 0; quiet < 2; quiet += 1) {
        for (let entry = outbox.take(); entry; entry = outbox.take())
          if (entry.kind === "chunk") receive(entry);
        outbox.acknowledge(durable);
      }
      expect(durable).toBe(sizes.length);
      expect(outbox.bytes).toBe(0);
    }),
  );
});
