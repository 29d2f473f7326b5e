import { expect, test } from "vitest";
import type { RunId } from "#domain/id";
import { reportBytes, type WorkerReport } from "#domain/report";
import { millis } from "#domain/time";

const runId = "r" as RunId;
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
    { type: "output", runId, seq: 0, content: "€", isFinal: false, metadata: { ü: "ab" }, sentAt },
    3 + 2 + 2,
  ],
  [
    "an event weighs its id and its metadata",
    { type: "event", runId, id: "e-1", kind: 3, sentAt, metadata: { tool: "grep" } },
    3 + 4 + 4,
  ],
  ["a chat message weighs its text", { type: "chat", runId, role: 1, content: "🙂!", sentAt }, 4 + 1],
  ["a decline weighs its reason", { type: "decline", runId, reason: "busy" }, 4],
  [
    "a status weighs its result, its error and the model",
    {
      type: "status",
      runId,
      status: "COMPLETED",
      errorMessage: "no",
      backend,
      output: "{}",
      retryAfter: millis(0),
    },
    2 + 2 + (5 + 7 + 4 + 2 + 4 + 4),
  ],
])("%s", (_, report, bytes) => {
  expect(reportBytes(report)).toBe(bytes);
});
