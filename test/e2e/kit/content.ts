/** What the agents of `agents.mjs` must have written, and whether a task's story is one that may be told. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { hasEnded, type TaskEvent } from "#client/index";

export function chunkOf(runId: string, seq: number): string {
  return `${runId} ${seq} ${createHash("sha1").update(`${runId} ${seq}`).digest("hex")}\n`;
}

/**
 * Events of one task, in the order in which one watcher got them, over however many connections: each seq
 * once, one end, and the output of each run contiguous, its own, and none after the run's end.
 */
export function expectWholeStory(events: readonly TaskEvent[], firstSeq = 1): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => firstSeq + i));

  const ends = events.filter((event) => event.type === "task" && hasEnded(event.task));
  expect(ends).toEqual([events.at(-1)]);
  const next = new Map<string, number>();
  const over = new Set<string>();
  for (const event of events) {
    if (event.type === "run" && ["COMPLETED", "FAILED", "CANCELLED"].includes(event.run.status)) {
      expect(over.has(event.run.id), `run ${event.run.id} ends once`).toBe(false);
      over.add(event.run.id);
    }
    if (event.type !== "output") continue;
    const { runId, seq, content } = event.output;
    expect(over.has(runId), `no output of ${runId} after its end`).toBe(false);
    expect(seq).toBe(next.get(runId) ?? 0);
    expect(content.replace(/x*$/, "")).toBe(chunkOf(runId, seq));
    next.set(runId, seq + 1);
  }
}
