import { expect, test } from "vitest";
import type { StepAuditEntry } from "#client/index";
import { workflow } from "#templates/index";
import { testPlane } from "#testing/index";
import { agent } from "#worker/index";

const flaky = agent({
  name: "flaky",
  run: async () => {
    throw new Error("the card was declined");
  },
});
const flow = workflow("charge", { holdOnFailure: true }, (w) =>
  w.step("charge", { agent: "flaky", retry: { maxAttempts: 2, backoff: "none" } }),
);
const template = { namespace: "default", name: "charge", version: "" };

const line = ({ kind, actor, reason, run }: StepAuditEntry): string =>
  [kind, actor, run && `${run.attempt} ${run.status} ${run.errorMessage}`, reason].filter(Boolean).join(" ");

test("a Step's history has its Runs and what was done by hand, oldest first, page by page", async () => {
  await using plane = await testPlane({ agents: [flaky], templates: [flow] });
  const { tasks } = plane.client;
  const { id } = await tasks.create({ template });
  await plane.advance("1m");
  await tasks.resolveStep(id, "charge", { action: "retry", reason: "the limit is raised" });
  await plane.advance("1m");
  await tasks.resolveStep(id, "charge", { action: "complete", result: 1, reason: "paid in cash" });
  await plane.ended(id);

  const failed = (attempt: number) =>
    `RUN worker-1 ${attempt} FAILED Error: the card was declined AGENT_ERROR`;
  const all = [
    failed(1),
    failed(2),
    "RESET local the limit is raised",
    failed(1),
    failed(2),
    "COMPLETED local paid in cash",
  ];
  const page = await tasks.stepAudit(id, "charge");
  expect(page.entries.map(line)).toEqual(all);
  expect(page).toMatchObject({ nextPageToken: "", droppedActions: 0 });
  for (let size = 1; size <= all.length; size += 1) {
    const found: string[] = [];
    let pageToken = "";
    do {
      const part = await tasks.stepAudit(id, "charge", { pageSize: size, pageToken });
      expect(part.entries.length).toBeLessThanOrEqual(size);
      found.push(...part.entries.map(line));
      pageToken = part.nextPageToken;
    } while (pageToken !== "");
    expect(found).toEqual(all);
  }
});

test("a Step that is not there names the near one, and a token of something else is refused", async () => {
  await using plane = await testPlane({ agents: [flaky] });
  const { tasks } = plane.client;
  const { id } = await tasks.create({ agent: "flaky" });
  await expect(tasks.stepAudit(id, "mian")).rejects.toThrow(
    `Step "mian" not found in Task ${id}; did you mean "main"?`,
  );
  await expect(tasks.stepAudit(id, "charge_everything")).rejects.toThrow('its Steps are "main".');
  await expect(tasks.stepAudit("none")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(tasks.stepAudit(id, "main", { pageToken: "x" })).rejects.toThrow(
    /^page_token is not understood/,
  );
});

test("only the newest actions by hand are kept, and the others are counted", async () => {
  await using plane = await testPlane({ agents: [flaky], templates: [flow] });
  const { tasks } = plane.client;
  const { id } = await tasks.create({ template });
  await plane.advance("1s");
  for (let n = 1; n <= 103; n += 1) {
    await tasks.resolveStep(id, "charge", { action: "retry", reason: `number ${n}` });
    await plane.advance("1s");
  }
  const { entries, droppedActions } = await tasks.stepAudit(id, "charge", { pageSize: 1_000 });
  const resets = entries.filter(({ kind }) => kind === "RESET");
  expect(entries).toHaveLength(200);
  expect(resets[0]).toMatchObject({ reason: "number 4" });
  expect(droppedActions).toBe(3);
});
