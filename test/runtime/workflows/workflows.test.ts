import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { Json } from "#domain/json/json";
import {
  type Agent,
  begin,
  echo,
  shown,
  stepOf,
  template,
  work,
  workflowBed,
} from "../kit/workflow-bench.js";

describe("a graph of steps", () => {
  test("steps run when what they depend on is done, and are given its results", async () => {
    const { bench, worker } = await workflowBed();
    const diamond = template([
      { name: "start" },
      { name: "left", dependencies: ["start"] },
      { name: "right", dependencies: ["start"] },
      { name: "end", dependencies: ["left", "right"] },
    ]);
    const { task } = await begin(bench, diamond, { input: { n: 1 } });
    const seen: string[] = [];
    const answered = await work(bench, worker, ({ stepName, results }, input) => {
      seen.push(`${stepName} ${JSON.stringify(input)} ${JSON.stringify(results)}`);
      return { result: stepName.length };
    });
    expect(answered).toBe(4);
    expect(await shown(bench, task.id)).toBe(
      "complete start=complete left=complete right=complete end=complete",
    );
    expect(seen).toEqual([
      'start {"n":1} {}',
      'left {"n":1} {"start":"5"}',
      'right {"n":1} {"start":"5"}',
      'end {"n":1} {"left":"4","right":"5"}',
    ]);
  });

  test("a step that fails for good ends the task and everything else in it", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "a", retry: { max_attempts: 1 } },
      { name: "b" },
      { name: "c", dependencies: ["a", "b"] },
    ]);
    const { task } = await begin(bench, flow);
    await work(bench, worker, ({ stepName }) => (stepName === "a" ? { error: "no" } : "nothing"));
    expect(await shown(bench, task.id)).toBe("error a=error b=cancelled c=cancelled");
  });

  test("config is merged into the input, and the template's wins", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([{ name: "a", handler: { callable: "echo", initialization: { k: 1 } } }]);
    await begin(bench, flow, { input: { config: { k: 2, other: 3 } } });
    let input: Json = null;
    await work(bench, worker, (_, given) => {
      input = given;
      return { result: null };
    });
    expect(input).toEqual({ config: { k: 1, other: 3 } });
  });
});

describe("trying again", () => {
  test.each([
    ["none", [0, 0]],
    ["linear", [1_000, 2_000]],
    ["exponential", [1_000, 2_000]],
    ["fibonacci", [1_000, 1_000]],
  ] as const)("%s backoff", async (backoff, delays) => {
    const { bench, worker } = await workflowBed();
    const retry = { backoff, backoff_base_ms: 1_000, max_backoff_ms: 10_000, jitter: 0, max_attempts: 3 };
    const { task } = await begin(bench, template([{ name: "a", retry }]));
    const fails: Agent = () => ({ error: "no" });
    await work(bench, worker, fails, 1);
    for (const delay of delays) {
      const { nextAttemptAt, state } = await stepOf(bench, task.id, "a");
      if (delay > 0) {
        expect(state).toBe("waiting_for_retry");
        expect(nextAttemptAt - bench.clock.now()).toBe(delay);
      }
      await bench.pass(delay, worker);
      await work(bench, worker, fails, 1);
    }
    expect(await shown(bench, task.id)).toBe("error a=error");
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(3);
  });

  test("an attempt that takes too long is a failed one", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([{ name: "a", timeout_seconds: 10, retry: { max_attempts: 2, backoff: "none" } }]);
    const { task } = await begin(bench, flow);
    await work(bench, worker, () => "nothing");
    await bench.pass(11_000, worker);
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(2);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete");
  });

  test("a step goes on from its checkpoint, on any worker, and it costs no attempt", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, template([{ name: "a", retry: { max_attempts: 1 } }]));
    const seen: Json[] = [];
    await work(bench, worker, (_, { checkpoint }) => {
      seen.push(checkpoint ?? null);
      return seen.length < 3
        ? { cursor: seen.length * 100, output: { done: seen.length } }
        : { result: "ok" };
    });
    expect(seen).toEqual([null, { cursor: 100, output: { done: 1 } }, { cursor: 200, output: { done: 2 } }]);
    expect(await shown(bench, task.id)).toBe("complete a=complete");
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(1);
  });
});

describe("an operator", () => {
  const held = template(
    [
      { name: "a", retry: { max_attempts: 1 } },
      { name: "b", dependencies: ["a"] },
    ],
    {
      hold_on_failure: true,
    },
  );

  test("a held task goes on once its step is tried anew, with all its attempts", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, held);
    await work(bench, worker, () => ({ error: "no" }));
    expect(await shown(bench, task.id)).toBe("blocked_by_failures a=error b=pending");
    await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "retry" });
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(1);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });

  test("a held task goes on once its step is resolved by hand", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, held);
    await work(bench, worker, () => ({ error: "no" }));
    await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "complete", output: "7" });
    let given: unknown;
    await work(bench, worker, ({ results }) => {
      given = results;
      return { result: 1 };
    });
    expect(given).toEqual({ a: "7" });
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });

  test("a task is not held for ever", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, held);
    await work(bench, worker, () => ({ error: "no" }));
    await bench.clock.advance(7 * 24 * 3_600_000 + 1_000);
    await bench.settle();
    expect(await shown(bench, task.id)).toBe("error a=error b=cancelled");
  });
});
