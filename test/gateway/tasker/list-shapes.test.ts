/** Templates, dead letters and staleness as Tasker shows them. */
import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { instant, millis, NEVER } from "#domain/time/time";
import {
  dlqEntryShape,
  dlqStatsShapes,
  investigationShape,
  stalenessShape,
} from "#gateway/tasker/shapes/dead-letter-shape";
import { templateListShape, templateShape } from "#gateway/tasker/shapes/template-shape";
import { deadLetter, task, template } from "#testing/rows";

const id = "0196f000-0000-7000-8000-000000000001" as TaskId;

test("templates are listed with their namespaces, and shown with the attempts of their steps", () => {
  const rows = [
    template("a", "1.0.0"),
    template("b", "2.0.0", {
      namespace: "orders",
      body: {
        name: "b",
        namespace_name: "orders",
        version: "2.0.0",
        description: "does b",
        steps: [
          { name: "one", handler: { callable: "x" }, retry: { max_attempts: 5 } },
          { name: "two", retry: { retryable: false } },
          { name: "three" },
        ],
      },
    }),
  ];
  expect(templateListShape(rows)).toMatchObject({
    namespaces: [
      { name: "default", templateCount: 1 },
      { name: "orders", templateCount: 1 },
    ],
    templates: [
      { name: "a", stepCount: 1 },
      { name: "b", description: "does b", stepCount: 3 },
    ],
  });
  const { steps, configuration } = templateShape(rows[1] as (typeof rows)[1]);
  expect(steps.map((each) => [each.defaultMaxAttempts, each.defaultRetryable, each.handler])).toEqual([
    [5, true, "x"],
    [1, false, ""],
    [3, true, ""],
  ]);
  expect(JSON.parse(configuration)).toMatchObject({ version: "2.0.0" });
});

test("a dead letter is an entry of the queue, with the nearest word of Tasker", () => {
  const letter = deadLetter(id, { reason: "UNDELIVERABLE", createdAt: instant(3_000) });
  const view = { letter, priority: 7 };
  expect(dlqEntryShape(view)).toMatchObject({
    dlqEntryUuid: id,
    taskUuid: id,
    originalState: "error",
    dlqReason: "worker_unavailable",
    reason: "UNDELIVERABLE",
    resolutionStatus: "pending",
    resolutionTimestamp: NEVER,
    updatedAt: 3_000,
  });
  expect(investigationShape(view, instant(93_000))).toMatchObject({
    minutesInDlq: 1.5,
    taskName: "echo",
    priorityScore: 7,
  });
  const moved = deadLetter(id, { status: "MOVED_ON", closedAt: instant(9_000) });
  expect(dlqEntryShape({ letter: moved, priority: 0 })).toMatchObject({
    resolutionStatus: "manually_resolved",
    status: "MOVED_ON",
    updatedAt: 9_000,
  });
});

test("statistics of reasons that Tasker has one word for are added up", () => {
  const stats = [
    {
      reason: "POISONED" as const,
      total: 3,
      byStatus: { PENDING: 1, MOVED_ON: 1, MANUALLY_RESOLVED: 1 },
      oldestAt: instant(5),
      newestAt: instant(9),
      meanResolution: 60_000,
    },
    {
      reason: "ATTEMPTS_EXHAUSTED" as const,
      total: 1,
      byStatus: { CANCELLED: 1 },
      oldestAt: instant(1),
      newestAt: instant(7),
      meanResolution: 240_000,
    },
  ];
  expect(dlqStatsShapes(stats)).toEqual([
    {
      dlqReason: "max_retries_exceeded",
      totalEntries: 4,
      pending: 1,
      manuallyResolved: 2,
      permanentFailures: 0,
      cancelled: 1,
      oldestEntry: 1,
      newestEntry: 9,
      avgResolutionTimeMinutes: 2,
    },
  ]);
});

test("staleness is told in whole minutes", () => {
  const staleness = {
    state: "waiting_for_retry",
    since: instant(0),
    rested: millis(119_000),
    threshold: millis(1_800_000),
    age: millis(180_000),
    lifetime: millis(9_000_000),
    health: "WARNING",
    stepName: "main",
  } as const;
  expect(stalenessShape({ task: task(id), staleness, agentName: "echo" })).toMatchObject({
    timeInStateMinutes: 1,
    taskAgeMinutes: 3,
    stalenessThresholdMinutes: 30,
    healthStatus: "warning",
    taskName: "echo",
  });
});
