import { expect, test } from "vitest";
import { identityOf } from "#api/tasks/identity";
import { instant, millis } from "#domain/time/time";

const request = {
  agentName: "support_triage",
  inputJson: '{"query":"help"}',
  createdBy: "ada",
  labels: { team: "b", area: "a" },
  idempotencyKey: "order-7",
  priority: 0,
  timeoutMs: millis(0),
  maxAttempts: 0,
  namespace: "",
  workerSelector: {},
  correlationId: "c-1",
  startAtMs: instant(0),
};
const fingerprintOf = (part: object = {}) =>
  identityOf({ ...request, ...part }, "default", undefined).fingerprint;

/** What releases before agents announced anything have stored. A Task of theirs must be found by its key for ever. */
const STORED = "5dd81680c9c8de27e2b12c6649163c9d68542c9501010986461b8422ae192381";
const STORED_WITH_LOSSES = "eb3e418586f533082d2de7a22791fea1a9c536cb62aeeaae908cfeb6a4f0230f";

test("a request has the fingerprint that earlier releases have stored of it", () => {
  expect(fingerprintOf()).toBe(STORED);
  expect(fingerprintOf({ maxLosses: 2 })).toBe(STORED_WITH_LOSSES);
});

test("a fingerprint covers what the request says, and nothing that is decided about it", () => {
  expect(fingerprintOf({ correlationId: "c-2" })).toBe(STORED);
  expect(fingerprintOf({ maxAttempts: 1 })).not.toBe(STORED);
  expect(fingerprintOf({ labels: { area: "a", team: "b" } })).toBe(STORED);
});
