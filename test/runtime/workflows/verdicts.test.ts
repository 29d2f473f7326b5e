import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { Verdict } from "#domain/template/verdict";
import { settle } from "#testing/virtual-time";
import { startBench } from "../kit/bench-plane.js";
import {
  answer,
  begin,
  echo,
  register,
  shown,
  stepOf,
  template,
  work,
  workflowBed,
} from "../kit/workflow-bench.js";

const once = { retry: { max_attempts: 1 } };
const costly = { type: "string", "x-costly": true };
const isCostly = (schema: object) => "x-costly" in schema;
const tooSlow: Verdict = { type: "limit", text: "the check takes longer than 2500 ms" };
const caller = LOCAL_CALLER;
/** What is broken here hangs, and nothing takes longer than this. */
const HANGS = { timeout: 20_000 };

describe("a result whose check takes long", () => {
  test("waits for it alone: all others of the turn are decided, and it after them", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = (schema) => (isCostly(schema) ? { afterMs: 1_000 } : undefined);
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }, { name: "b" }]));
    expect(await work(bench, worker, echo)).toBe(2);
    expect(await shown(bench, task.id)).toBe("steps_in_process a=in_progress b=complete");

    await begin(bench, template([{ name: "c" }], { name: "other" }));
    expect(await work(bench, worker, echo)).toBe(1);
    await bench.clock.advance(1_000);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
    expect(worker.heard()).toEqual(["ack.status"]);
    expect(bench.schemas.judged).toEqual(['"a"']);
  });

  test("counts once, however often it is said meanwhile", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1_000 });
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }]));
    await bench.settle();
    const assigned = worker.assigned();
    for (let i = 0; i < 3; i += 1) await answer(worker, assigned, { result: "yes" });
    await bench.clock.advance(1_000);
    expect(await shown(bench, task.id)).toBe("complete a=complete");
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(1);
    expect(bench.supervisor.awaited.count).toBe(0);
  });

  test("that does not fit is a failed attempt, as ever", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1_000 });
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly, ...once }]));
    await work(bench, worker, () => ({ result: 1 }));
    await bench.clock.advance(1_000);
    expect(await shown(bench, task.id)).toBe("error a=error");
    expect((await stepOf(bench, task.id, "a")).errorMessage).toMatch(/does not fit result_schema: .*string/);
  });

  test("that cannot be checked within the limits fails its step for good, and says so", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1_000, verdict: tooSlow });
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }]));
    await work(bench, worker, echo);
    await bench.clock.advance(1_000);
    expect(await bench.show(task.id)).toBe("error STEP_FAILED, a error attempts=1, run FAILED/SCHEMA_LIMIT");
    expect((await stepOf(bench, task.id, "a")).errorMessage).toBe(
      `SCHEMA_LIMIT: the result could not be checked by result_schema: ${tooSlow.text}`,
    );
    expect(worker.heard()).toEqual(["ack.status"]);
  });

  test("of a schema that is none fails its step for good too: no turn fails by it", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 0, verdict: { type: "invalid", text: "no schema" } });
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }]));
    await work(bench, worker, echo);
    expect(await bench.show(task.id)).toContain("run FAILED/SCHEMA_INVALID");
    expect(bench.fatal).toEqual([]);
  });

  test("is forgotten with a cancelled task, and its worker is told all the same", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1_000 });
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }]));
    await work(bench, worker, echo);
    await bench.cancel(task.id);
    await bench.clock.advance(1_000);
    expect(await bench.show(task.id)).toMatch(/^cancelled CANCELLED, .*run CANCELLED\/CANCELLED$/);
    expect(worker.heard()).toEqual(["cancel", "cancel", "ack.status"]);
  });

  test("is asked for anew after a restart, when its worker says it again", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1_000 });
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }]));
    await bench.settle();
    const assigned = worker.assigned();
    await answer(worker, assigned, { result: "yes" });
    await bench.settle();
    bench.kill();

    const again = await startBench(bench.store, { clock: bench.clock, seed: 2 });
    again.schemas.slow = () => ({ afterMs: 1_000 });
    const { runId, fence } = assigned;
    const back = again.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
    await again.settle();
    await answer(back, assigned, { result: "yes" });
    await again.clock.advance(1_000);
    expect(await shown(again, task.id)).toBe("complete a=complete");
    expect((await stepOf(again, task.id, "a")).attempts).toBe(1);
  });

  test("is kept while there is no room to ask", async () => {
    const { bench, worker } = await workflowBed();
    const full = new Fault("overloaded", "full");
    bench.schemas.slow = () => ({ afterMs: 0, fault: full });
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }]));
    await work(bench, worker, echo);
    await bench.pass(60_000, worker);
    expect(await shown(bench, task.id)).toBe("steps_in_process a=in_progress");
    bench.schemas.slow = () => ({ afterMs: 10 });
    await bench.clock.advance(1_000);
    expect(await shown(bench, task.id)).toBe("complete a=complete");
  });

  test("survives a commit that is refused: it is decided again, and asked for again", async () => {
    const { bench, worker } = await workflowBed();
    bench.schemas.slow = (schema) => (isCostly(schema) ? { afterMs: 1_000 } : undefined);
    const { task } = await begin(bench, template([{ name: "a", result_schema: costly }, { name: "b" }]));
    await bench.settle();
    const [a, b] = worker.assignments();
    const { commit } = bench.store;
    bench.store.commit = async () => {
      bench.store.commit = commit;
      throw new Fault("overloaded", "the test says so");
    };
    for (const one of [a, b]) if (one) await answer(worker, one, { result: "x" });
    await bench.clock.advance(5_000);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });
});

describe("a request whose check takes long", () => {
  const gate = template([{ name: "gate", type: "signal", signal: { name: "go" }, result_schema: costly }]);

  test("is answered when it is decided, and not before", async () => {
    const { bench } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1_000 });
    const { task } = await begin(bench, gate);
    let answered = false;
    const signalled = bench.plane.signal(caller, task.id, "go", '"x"').then(() => {
      answered = true;
    });
    await bench.clock.advance(999);
    expect(answered).toBe(false);
    await bench.clock.advance(1);
    await signalled;
    expect(await shown(bench, task.id)).toBe("complete gate=complete");
  });

  test.each([
    [
      { afterMs: 1, verdict: tooSlow },
      { code: "invalid", reason: "SCHEMA_LIMIT" },
    ],
    [
      { afterMs: 1, fault: new Fault("overloaded", "full", { reason: "SCHEMA_CHECKS_FULL" }) },
      { reason: "SCHEMA_CHECKS_FULL" },
    ],
  ])("is refused if there is no verdict: %j", async (slow, refusal) => {
    const { bench } = await workflowBed();
    bench.schemas.slow = () => slow;
    const { task } = await begin(bench, gate);
    const signalled = bench.plane.signal(caller, task.id, "go", '"x"').catch((error: unknown) => error);
    await bench.clock.advance(10);
    expect(await signalled).toMatchObject(refusal);
    const result = { type: "complete", output: '"x"' } as const;
    const resolved = bench.plane.resolve(caller, task.id, "gate", result).catch((error: unknown) => error);
    await bench.clock.advance(10);
    expect(await resolved).toMatchObject(refusal);
    expect(await shown(bench, task.id)).toBe("enqueuing_steps gate=in_progress");
  });

  test("does not hold up the end of the plane", HANGS, async () => {
    const { bench } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1e9 });
    const { task } = await begin(bench, gate);
    const signalled = bench.plane.signal(caller, task.id, "go", '"x"').catch((error: unknown) => error);
    await settle();
    await bench.supervisor.stop();
    expect(await signalled).toMatchObject({ code: "unavailable" });
  });

  test("asks for nothing if who asks may not, or if nothing would come of it", HANGS, async () => {
    const { bench } = await workflowBed();
    bench.schemas.slow = () => ({ afterMs: 1_000 });
    const { task } = await begin(bench, gate);
    const stranger = { principal: "ada", namespaces: ["own"], roles: [] };
    const signalled = bench.plane.signal(stranger, task.id, "go", '"x"');
    await expect(signalled).rejects.toMatchObject({ code: "not_found" });
    await bench.cancel(task.id);
    await expect(bench.plane.signal(caller, task.id, "go", '"x"')).rejects.toMatchObject({
      code: "wrong_state",
    });
    expect(bench.schemas.judged).toEqual([]);
  });

  test("finds no room when as many are put aside as a mailbox holds, and finds it again", HANGS, async () => {
    const bench = await startBench(undefined, { mailbox: 2 });
    bench.schemas.slow = () => ({ afterMs: 1_000 });
    const { task } = await begin(bench, gate);
    const ask = () => bench.plane.signal(caller, task.id, "go", '"x"').catch((error: Fault) => error);
    const asked = [ask(), ask()];
    await settle();
    expect(await ask()).toMatchObject({ reason: "MAILBOX_FULL" });
    await bench.clock.advance(1_000);
    await Promise.all(asked);
    expect(await ask()).toMatchObject({ task: { state: "complete" } });
  });
});

describe("children", () => {
  const inner = template([{ name: "x" }], { name: "inner", input_schema: { "x-costly": true } });
  const child = (name: string) =>
    ({ name, type: "child_task", child: { template: { name: "inner" } } }) as const;

  test("whose input takes long to check begin together, when all of it is checked", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, inner);
    bench.schemas.slow = (schema) => (isCostly(schema) ? { afterMs: 100 } : undefined);
    const names = Array.from({ length: 100 }, (_, i) => `c${i}`);
    const begun = begin(bench, template(names.map(child), { name: "outer" }), { input: { n: 1 } });
    await bench.clock.advance(100 * 100);
    const { task } = await begun;
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toMatch(/^complete /);
    expect(bench.fatal).toEqual([]);
  });

  test("whose input cannot be checked end their step, whatever attempts remain", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, inner);
    bench.schemas.slow = (schema) => (isCostly(schema) ? { afterMs: 100, verdict: tooSlow } : undefined);
    const begun = begin(bench, template([child("sub")], { name: "outer" }));
    await bench.clock.advance(1_000);
    const { task } = await begun;
    await work(bench, worker, echo);
    expect((await stepOf(bench, task.id, "sub")).errorMessage).toBe(
      `SCHEMA_LIMIT: the child's input could not be checked by input_schema: ${tooSlow.text}`,
    );
  });

  test("are given numbers as their agents will read them", async () => {
    const { bench, worker } = await workflowBed();
    const input_schema = { properties: { x: { type: "number" } } };
    await register(bench, template([{ name: "y" }], { name: "inner", input_schema }));
    const sub = {
      name: "sub",
      type: "child_task",
      child: { template: { name: "inner" }, input: "input/a" },
    } as const;
    const { task } = await begin(bench, template([sub], { name: "outer" }), {
      input: { a: { x: 0.1 + 0.2 } },
    });
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete sub=complete");
  });
});

describe("a deadline whose message needs a check that takes long", () => {
  const inner = template([{ name: "x" }], { name: "inner", input_schema: { "x-costly": true } });
  const afterTimer = template(
    [
      { name: "nap", type: "timer", timer: { delay_ms: 1_000 } },
      { name: "sub", type: "child_task", dependencies: ["nap"], child: { template: { name: "inner" } } },
    ],
    { name: "outer" },
  );
  const nap = template([{ name: "other", type: "timer", timer: { delay_ms: 2_000 } }], { name: "nap" });

  test("holds up no other deadline, and is handled once", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, inner);
    bench.schemas.slow = (schema) => (isCostly(schema) ? { afterMs: 60_000 } : undefined);
    const { task } = await begin(bench, afterTimer);
    const { task: other } = await begin(bench, nap);
    await bench.clock.advance(3_000);
    expect(await shown(bench, other.id)).toBe("complete other=complete");
    expect(await shown(bench, task.id)).toBe("enqueuing_steps nap=in_progress sub=pending");
    await bench.pass(60_000, worker);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete nap=complete sub=complete");
    expect(bench.schemas.judged).toEqual(["{}"]);
  });

  test("is a row: a restart handles it", async () => {
    const { bench } = await workflowBed();
    await register(bench, inner);
    bench.schemas.slow = (schema) => (isCostly(schema) ? { afterMs: 60_000 } : undefined);
    const { task } = await begin(bench, afterTimer);
    await bench.clock.advance(3_000);
    bench.kill();
    const again = await startBench(bench.store, { clock: bench.clock, seed: 2 });
    const worker = again.worker("w1");
    await work(again, worker, echo);
    expect(await shown(again, task.id)).toBe("complete nap=complete sub=complete");
  });
});
