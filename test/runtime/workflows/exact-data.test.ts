/** What a client or an agent writes reaches whoever reads it byte for byte, whatever way it takes within a Task. */
import { describe, expect, test } from "vitest";
import { planOf } from "#domain/graph/plan";
import type { TemplateBody } from "#domain/template/template";
import { readTemplate } from "#templates/read/read";
import type { BenchPlane } from "../kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { register, shown, template, workflowBed } from "../kit/workflow-bench.js";

/** Texts that a detour through numbers and objects would change, or that once stood for something else. */
const tricky = [
  "12345678901234567890",
  "1E400",
  "-1e-400",
  "1.0",
  "-0",
  String.raw`"\u000042"`,
  String.raw`"\u0000-"`,
  String.raw`"\ud800"`,
  String.raw`"\u0061\/"`,
  '{"2":1, "1":[ 2 ],"__proto__":{"constructor":1.10},"2":3}',
];
const list = `[${tricky.join(" , ")}]`;

/** A Task of the template on an input of exactly this text. */
async function beginWith(bench: BenchPlane, body: TemplateBody, input: string) {
  await register(bench, body);
  const plan = planOf(body, "development");
  const { template: ref, isCompensable } = plan;
  const spec = { agentName: "", maxAttempts: 0, template: ref, environment: "development", isCompensable };
  return (await bench.create(spec, { plan, input })).task;
}

/** Answers every assignment with JSON text, or has it fail; returns what was given, by Step. */
async function play(
  bench: BenchPlane,
  worker: BenchWorker,
  reply: (frame: AssignFrame) => string | Error,
): Promise<Map<string, AssignFrame>> {
  const given = new Map<string, AssignFrame>();
  for (let idle = 0; idle < 2; ) {
    await bench.clock.advance(1);
    await bench.settle();
    const assigned = worker.assignments();
    idle = assigned.length === 0 ? idle + 1 : 0;
    for (const frame of assigned) {
      given.set(frame.stepName, frame);
      const output = reply(frame);
      if (typeof output === "string") await worker.report(frame.runId, "COMPLETED", { output });
      else await worker.report(frame.runId, "FAILED", { errorMessage: output.message, retryable: false });
    }
  }
  return given;
}

describe("data is passed on as it was written", () => {
  test("to the members of a map, and from them to its result", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "each", type: "map", map: { over: "input/list" } },
      { name: "sum", dependencies: ["each"] },
    ]);
    const { id } = await beginWith(bench, flow, `{"list":${list}}`);
    const given = await play(
      bench,
      worker,
      ({ index = 0, stepName, ...frame }: AssignFrame & { index?: number }) => {
        const item = /"item":(.*),"index":\d+\}$/s.exec(frame.input)?.[1];
        return stepName === "sum" ? "1" : (item ?? `"none at ${index}"`);
      },
    );
    expect(await shown(bench, id)).toMatch(/^complete /);
    for (const [i, text] of tricky.entries()) {
      const name = `each_${String(i).padStart(3, "0")}`;
      expect(given.get(name)?.input, name).toBe(`{"list":${list},"item":${text},"index":${i}}`);
    }
    expect(given.get("sum")?.results).toEqual({ each: `[${tricky.join(",")}]` });
    expect(bench.fatal).toEqual([]);
  });

  test("to a child, and from its results", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, template([{ name: "inner" }], { name: "part" }));
    const flow = template([
      {
        name: "sub",
        type: "child_task",
        child: { template: { name: "part" }, input: "input/order" },
      },
      { name: "end", dependencies: ["sub"] },
    ]);
    const order = `{ "2":"\\u000042", "1":${list} }`;
    await beginWith(bench, flow, `{"order":${order},"other":1}`);
    const given = await play(bench, worker, () => order);
    expect(given.get("inner")?.input).toBe(order);
    expect(given.get("end")?.results).toEqual({ sub: order });
  });

  test("to a timer's child whose input begins with a NUL: it runs, and no timer stands still", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, template([{ name: "inner" }], { name: "part" }));
    const flow = template([
      { name: "pause", type: "timer", timer: { delay_ms: 1_000 } },
      {
        name: "sub",
        type: "child_task",
        child: { template: { name: "part" }, input: "input" },
        dependencies: ["pause"],
      },
    ]);
    const { id } = await beginWith(bench, flow, String.raw`{"list":["\u0000-"]}`);
    await bench.pass(2_000, worker);
    const given = await play(bench, worker, () => "1");
    expect(given.get("inner")?.input).toBe(String.raw`{"list":["\u0000-"]}`);
    expect(await shown(bench, id)).toBe("complete pause=complete sub=complete");
  });

  test("to the Step that undoes another, which gets its result", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "book", compensate: "unbook" },
      { name: "pay", dependencies: ["book"] },
      { name: "unbook" },
    ]);
    const { id } = await beginWith(bench, flow, String.raw`{"id":1.00,"compensate":"\u0000-"}`);
    const given = await play(bench, worker, ({ taskId, stepName }) =>
      taskId === id && stepName === "pay" ? new Error("no money") : list,
    );
    const undone = `{"task_id":"${id}","step":"book","error":"no money","result":${list}}`;
    expect(given.get("book")?.input).toBe(`{"id":1.00,"compensate":${undone}}`);
  });

  test("to a batch: its cursors are what the agent said they are", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      {
        name: "split",
        type: "batchable",
        batch_config: { worker_template: "rows", parallelism: 2, batch_size: 10 },
      },
      { name: "rows", type: "batch_worker", dependencies: ["split"] },
    ]);
    await beginWith(bench, flow, "{}");
    const cursor = `{"batch_id":"a","start_cursor":12345678901234567890,"end_cursor":${list}}`;
    const outcome = `{"batch_processing_outcome":{"type":"create_batches","total_items":1E400,"cursor_configs":[${cursor}]}}`;
    const given = await play(bench, worker, ({ stepName }) => (stepName === "split" ? outcome : "1"));
    const input = given.get("rows_a")?.input;
    expect(input).toContain(`"start_cursor":12345678901234567890,"end_cursor":${list},`);
    expect(input).toContain('"total_items":1E400,');
  });

  test("beside the configuration of a Step, which goes over the input's own", async () => {
    const { bench, worker } = await workflowBed();
    const handler = { callable: "echo", initialization: { rate: 2 } };
    const flow = template([{ name: "a", handler }, { name: "b" }]);
    await beginWith(bench, flow, `{"a":1.0,"config":{"rate":1.0,"id":12345678901234567890},"z":-0}`);
    const given = await play(bench, worker, () => "1");
    expect(given.get("a")?.input).toBe(`{"a":1.0,"z":-0,"config":{"id":12345678901234567890,"rate":2}}`);
    expect(given.get("b")?.input).toBe(`{"a":1.0,"config":{"rate":1.0,"id":12345678901234567890},"z":-0}`);
  });

  test("from a template's text: its configuration, and the default of a signal that nobody sends", async () => {
    const { bench, worker } = await workflowBed();
    const numbers = "12345678901234567890, 1.10, 1e400, -0, 0.1000000000000000055511151231257827";
    const { template: read } = readTemplate(`name: exact
namespace_name: default
version: 1.0.0
steps:
  - name: wait
    type: signal
    signal: { timeout_ms: 1000, default: { n: [${numbers}] } }
  - name: a
    handler: { callable: echo, initialization: { n: [${numbers}] } }
    dependencies: [wait]
`);
    if (!read) throw new Error("no template");
    await beginWith(bench, read.body, "{}");
    await bench.pass(2_000, worker);
    const given = await play(bench, worker, () => "1");
    const text = `{"n":[${numbers.replaceAll(" ", "")}]}`;
    expect(given.get("a")?.input).toBe(`{"config":${text}}`);
    expect(given.get("a")?.results).toEqual({ wait: text });
  });

  test("after a checkpoint, with the cursor as it was said", async () => {
    const { bench, worker } = await workflowBed();
    const { id } = await beginWith(
      bench,
      template([{ name: "each", type: "map", map: { over: "input" } }]),
      list,
    );
    const frames = new Map<string, AssignFrame[]>();
    for (let round = 0; round < 3; round += 1) {
      await bench.pass(5_000, worker);
      for (const frame of worker.assignments()) {
        const { runId, fence, stepName } = frame;
        const seen = frames.get(stepName) ?? [];
        frames.set(stepName, [...seen, frame]);
        if (seen.length > 0) await worker.report(runId, "COMPLETED", { output: "1" });
        else await worker.link.receive({ type: "yield", runId, fence, cursor: list, output: "1.0" });
      }
    }
    expect(await shown(bench, id)).toMatch(/^complete /);
    expect(frames.get("each_000")?.[1]?.input).toBe(
      `{"input":${list},"item":12345678901234567890,"index":0,"checkpoint":{"cursor":${list},"output":1.0}}`,
    );
  });
});
