/** What has gone wrong in engines of this kind with templates, and with telling one piece of work from another. */
import { describe, expect, test } from "vitest";
import { identityOf } from "#api/tasks/identity";
import { planOf } from "#domain/graph/plan";
import type { Json } from "#domain/json/json";
import { millis } from "#domain/time/time";
import { readTemplate } from "#templates/index";
import { startBench } from "../kit/bench-plane.js";
import { begin, echo, register, shown, stepOf, template, work, workflowBed } from "../kit/workflow-bench.js";

const once = { retry: { max_attempts: 1 } } as const;
const pair = () => template([{ name: "a" }, { name: "b", dependencies: ["a"] }]);

describe("one piece of work", () => {
  const request = { inputJson: '{"b":1,"a":{"y":2,"x":3}}', idempotencyKey: "" };
  const asked = (more: Partial<typeof request> = {}) =>
    ({ agentName: "", labels: {}, workerSelector: {}, ...request, ...more }) as Parameters<
      typeof identityOf
    >[0];

  test("the caller's key counts, whatever the input is, and runs once", async () => {
    const bench = await startBench();
    const plan = planOf({ ...pair(), identity_strategy: "caller_provided" }, "development");
    expect(() => identityOf(asked(), "default", plan)).toThrow("idempotency_key is required");
    const known = identityOf(asked({ idempotencyKey: "order-7" }), "default", plan);
    const made = await Promise.all([begin(bench, pair(), known), begin(bench, pair(), known)]);
    expect(new Set(made.map(({ task }) => task.id)).size).toBe(1);
  });

  test("the same input is the same work if the template says so, however it is written, for as long as it says", async () => {
    const bench = await startBench();
    const strict = { ...pair(), identity_strategy: "strict", identity_window_seconds: 60 } as const;
    const plan = planOf(strict, "development");
    const first = identityOf(asked(), "default", plan);
    const same = identityOf(asked({ inputJson: '{ "a": {"x":3, "y":2}, "b": 1 }' }), "default", plan);
    const other = identityOf(asked({ inputJson: '{"b":2}' }), "default", plan);
    expect(same).toEqual(first);
    expect(first.idempotencyKey).toMatch(/^strict:[0-9a-f]{64}$/);

    const { task } = await begin(bench, strict, first);
    expect((await begin(bench, strict, same)).task.id).toBe(task.id);
    expect((await begin(bench, strict, other)).task.id).not.toBe(task.id);
    await bench.cancel(task.id); // what still runs keeps its key
    await bench.clock.advance(millis(61_000));
    expect((await begin(bench, strict, same)).task.id).not.toBe(task.id);
  });

  test("numbers are told apart by all their digits, and from texts that look like them", () => {
    const plan = planOf({ ...pair(), identity_strategy: "strict" }, "development");
    const key = (inputJson: string) => identityOf(asked({ inputJson }), "default", plan).idempotencyKey;
    const works = [
      "12345678901234567890",
      "12345678901234567891",
      '"12345678901234567890"',
      String.raw`"\u000012345678901234567890"`,
      String.raw`"\u0000\u000012345678901234567890"`,
      "1E400",
      String.raw`"\u00001E400"`,
    ];
    expect(new Set(works.map(key)).size).toBe(works.length);
    expect(key('{"a":1.0,"b":[1e2]}')).toBe(key('{"b":[100],"a":1}'));
    expect(key(`"${String.raw`\"`.repeat(500_000)}"`)).toMatch(/^strict:/);
  });

  test("by default every request is work of its own", async () => {
    const bench = await startBench();
    const unique = identityOf(asked(), "default", planOf(pair(), "development"));
    const made = [await begin(bench, pair(), unique), await begin(bench, pair(), unique)];
    expect(new Set(made.map(({ task }) => task.id)).size).toBe(2);
  });
});

describe("templates", () => {
  test("steps that wait for one another in a circle are refused, before anything runs", () => {
    const circle = template([
      { name: "a", dependencies: ["c"] },
      { name: "b", dependencies: ["a"] },
      { name: "c", dependencies: ["b"] },
    ]);
    const { findings, hasCycles, template: read } = readTemplate(JSON.stringify(circle));
    expect({ hasCycles, read }).toEqual({ hasCycles: true, read: undefined });
    expect(findings.map(({ code, message }) => `${code} ${message}`)).toContainEqual(
      expect.stringMatching(/^CYCLE_DETECTED .*→/),
    );
  });

  test("a decision cannot lead back to what was done before it", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "draft" },
      { name: "review", type: "decision", dependencies: ["draft"], ...once },
      { name: "publish", dependencies: ["review"] },
    ]);
    const { task } = await begin(bench, flow);
    const back: Json = { decision_point_outcome: { type: "create_steps", step_names: ["draft"] } };
    await work(bench, worker, ({ stepName }) => ({ result: stepName === "review" ? back : 1 }));
    expect(await shown(bench, task.id)).toBe("error draft=complete review=error");
  });

  test("a running task keeps the template it began with, and nobody can change that under it", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, pair());
    const longer = template([...pair().steps, { name: "c", dependencies: ["b"] }]);
    await expect(register(bench, longer)).rejects.toThrow("is registered with another body (steps.c");
    await register(bench, { ...longer, version: "1.0.1" });
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });

  test("an input or a result that does not fit its schema is refused, not passed on", async () => {
    const { bench, worker } = await workflowBed();
    const number = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
    await register(bench, template([{ name: "x" }], { name: "inner", input_schema: number }));
    const flow = template([
      { name: "ask", result_schema: number, ...once },
      {
        name: "sub",
        type: "child_task",
        child: { template: { name: "inner" }, input: "results/ask" },
        dependencies: ["ask"],
      },
    ]);
    const { task } = await begin(bench, flow);
    await work(bench, worker, () => ({ result: { n: "seven" } }));
    expect(await shown(bench, task.id)).toBe("error ask=error sub=cancelled");
    expect((await stepOf(bench, task.id, "ask")).errorMessage).toMatch(
      /^the result does not fit result_schema: .*n/,
    );

    const loose = template([{ name: "ask" }, ...flow.steps.slice(1)], { version: "2.0.0" });
    const { task: second } = await begin(bench, loose);
    await work(bench, worker, () => ({ result: { n: "seven" } }));
    expect((await stepOf(bench, second.id, "sub")).errorMessage).toMatch(/does not fit input_schema: .*n/);
  });
});
