import { expect, test } from "vitest";
import { JournalOutbox } from "#worker/run/journal-outbox";
import { UsageOutbox } from "#worker/run/usage-outbox";
import { record } from "./journal/kit.js";
import { silent } from "./kit/workbench.js";

/** An outbox with so many records, and which of them are durable. */
function filled(count: number, chunks = 0) {
  const outbox = new JournalOutbox();
  const durable: number[] = [];
  for (let seq = 0; seq < count; seq += 1) outbox.add(record({ seq }), chunks, () => durable.push(seq));
  return { outbox, durable };
}

const seqs = (outbox: JournalOutbox, chunksSent = 0): number[] => {
  const taken: number[] = [];
  for (let next = outbox.take(chunksSent); next; next = outbox.take(chunksSent)) taken.push(next.seq);
  return taken;
};

test("records are kept until they are durable, and sent again in a new session", () => {
  const { outbox, durable } = filled(3);
  expect(seqs(outbox)).toEqual([0, 1, 2]);
  expect(outbox.allSent).toBe(true);

  expect(outbox.acknowledge(2)).toBe(2 * 256);
  expect(durable).toEqual([0, 1]);
  expect(seqs(outbox)).toEqual([]);

  outbox.rewind();
  expect(seqs(outbox)).toEqual([2]);
  expect(outbox.acknowledge(3)).toBe(256);
  expect(outbox.isEmpty).toBe(true);
});

test("a record follows the output that was written before it", () => {
  const { outbox } = filled(1, 2);
  expect(seqs(outbox, 1)).toEqual([]);
  expect(outbox.allSent).toBe(false);
  expect(seqs(outbox, 2)).toEqual([0]);
});

test("an acknowledgement that frees nothing says that something is missing: it is sent again, once", () => {
  const { outbox } = filled(2);
  seqs(outbox);
  outbox.acknowledge(0);
  expect(seqs(outbox)).toEqual([0, 1]);
  outbox.acknowledge(0);
  expect(seqs(outbox)).toEqual([]);
});

test("what is dropped is not sent", () => {
  const { outbox, durable } = filled(2);
  seqs(outbox);
  expect(outbox.clear()).toBe(2 * 256);
  expect(outbox.allSent).toBe(true);
  expect(outbox.acknowledge(2)).toBe(0);
  expect(durable).toEqual([]);
});

const used = { model: "m", inputTokens: 1, outputTokens: 0, cachedTokens: 0, toolCalls: 0 };

test("reports of several runs are kept each until it is acknowledged, whatever order that comes in", () => {
  const outbox = new UsageOutbox(silent);
  outbox.add({ runId: "r1", fence: 1 }, 0, used);
  outbox.add({ runId: "r2", fence: 1 }, 0, used);
  outbox.add({ runId: "r1", fence: 1 }, 1, used);
  const sent = () => {
    const ids: string[] = [];
    for (let next = outbox.next(); next; next = outbox.next()) {
      const { runId, seq } = next.payload.value as { runId: string; seq: bigint };
      ids.push(`${runId}/${seq}`);
    }
    return ids;
  };
  expect(sent()).toEqual(["r1/0", "r1/1", "r2/0"]);

  outbox.acknowledge("r1", 1);
  outbox.acknowledge("r1", 1);
  outbox.acknowledge("r9", 1);
  outbox.rewind();
  expect(sent()).toEqual(["r1/1", "r2/0"]);

  outbox.acknowledge("r1", 2);
  outbox.acknowledge("r2", 5);
  outbox.rewind();
  expect(sent()).toEqual([]);
});
