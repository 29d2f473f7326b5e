import { expect, test } from "vitest";
import type { RunId } from "#domain/id";
import { reportBytes, type WorkerReport } from "#domain/task/report";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";

const runId = "r" as RunId;
/** Beyond what a report weighs at least. */
const large = "x".repeat(limits.reportBytes);
const sentAt = 0;
const backend = {
  provider: "local",
  modelName: "größe",
  contextWindow: 8_000,
  supportsStreaming: true,
  modalities: ["text"],
  tools: ["rg"],
  metadata: { tier: "gold" },
};

test.each<[string, WorkerReport, number]>([
  [
    "output weighs its text and its metadata",
    { type: "output", runId, seq: 0, content: `€${large}`, isFinal: false, metadata: { ü: "ab" }, sentAt },
    256 + 3 + 2 + 2,
  ],
  [
    "an event weighs its id and its metadata",
    { type: "event", runId, id: "e-1", kind: 3, sentAt, metadata: { tool: large } },
    3 + 4 + 256,
  ],
  [
    "a chat message weighs its text",
    { type: "chat", runId, role: 1, content: `🙂!${large}`, sentAt },
    256 + 4 + 1,
  ],
  ["a decline weighs its reason", { type: "decline", runId, reason: `busy${large}` }, 256 + 4],
  [
    "a status weighs its result, its error and the model",
    {
      type: "status",
      runId,
      status: "COMPLETED",
      errorMessage: `no${large}`,
      backend,
      output: "{}",
      retryAfter: millis(0),
    },
    256 + 2 + 2 + (5 + 7 + 4 + 2 + 4 + 4),
  ],
  ["a checkpoint weighs both its parts", { type: "yield", runId, cursor: large, output: "{}" }, 256 + 2],
  [
    "a chunk of nothing weighs as much as its line in the log",
    { type: "output", runId, seq: 0, content: "", isFinal: false, metadata: {}, sentAt },
    256,
  ],
  [
    "half of a surrogate pair weighs what it is on the wire",
    { type: "chat", runId, role: 1, content: `${large}\ud83d`, sentAt },
    256 + 3,
  ],
])("%s", (_, report, bytes) => {
  expect(reportBytes(report)).toBe(bytes);
});
