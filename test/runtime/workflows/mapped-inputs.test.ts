import { describe, expect, test } from "vitest";
import { mappedWeight } from "#actors/mapped-input";
import { readMapping } from "#domain/graph/input-mapping";
import { planOf } from "#domain/graph/plan";
import type { StepKey, TaskId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import type { TemplateBody } from "#domain/template/template";
import { limits } from "#limits/index";
import { readTemplate } from "#templates/read/read";
import { type BenchPlane, startBench } from "../kit/bench-plane.js";
import type { AssignFrame } from "../kit/bench-worker.js";
import { begin, register, shown, stepOf, template, work, workflowBed } from "../kit/workflow-bench.js";

/** A template of YAML text. */
function yaml(steps: string): TemplateBody {
  const reading = readTemplate(`name: flow\nnamespace_name: default\nversion: 1.0.0\nsteps:\n${steps}`);
  if (!reading.template) throw new Error(reading.findings.map(({ message }) => message).join("; "));
  return reading.template.body;
}

/** A Task of the template on an input of exactly this text. */
async function beginWith(bench: BenchPlane, body: TemplateBody, input: string) {
  await register(bench, body);
  const plan = planOf(body, "development");
  const { template: ref, isCompensable } = plan;
  const spec = { agentName: "", maxAttempts: 0, template: ref, environment: "development", isCompensable };
  return (await bench.create(spec, { plan, input })).task;
}

/** What each Step was given, by its name, when all assignments were answered with these JSON texts. */
async function given(
  bed: Awaited<ReturnType<typeof workflowBed>>,
  replies: Readonly<Record<string, string>>,
): Promise<Map<string, AssignFrame>> {
  const { bench, worker } = bed;
  const frames = new Map<string, AssignFrame>();
  for (let idle = 0; idle < 2; ) {
    await bench.clock.advance(1);
    await bench.settle();
    const assigned = worker.assignments();
    idle = assigned.length === 0 ? idle + 1 : 0;
    for (const frame of assigned) {
      frames.set(frame.stepName, frame);
      await worker.report(frame.runId, "COMPLETED", { output: replies[frame.stepName] ?? "1" });
    }
  }
  return frames;
}

describe("a step with an input of its own", () => {
  test("gets parts of the input and of results byte for byte, and constants with their digits", async () => {
    const bed = await workflowBed();
    const flow = yaml(String.raw`
  - { name: draft, handler: { callable: echo } }
  - name: send
    handler: { callable: echo, initialization: { rate: 1.10 } }
    dependencies: [draft]
    input:
      text: { from: draft, at: /text }
      id: { from: input, at: /ids/1 }
      odd: { from: input, at: /a~1b/~0/ }
      all: { from: draft }
      tone: dry
      big: 12345678901234567890
      deep: [1.10, { list: [{ from: input, at: /ids/0 }, null] }, { const: { from: x } }]
      none: null
      "\0": true
`);
    await beginWith(bed.bench, flow, '{"ids": [ 1e400, 12345678901234567890 ], "a/b":{"~":{"":"\\u0061"}}}');
    const frames = await given(bed, { draft: '{"text": "\\u00e4 \\/" , "n":1.0}' });

    expect(frames.get("draft")?.input).toBe(
      '{"ids": [ 1e400, 12345678901234567890 ], "a/b":{"~":{"":"\\u0061"}}}',
    );
    expect(frames.get("send")?.input).toBe(
      '{"text":"\\u00e4 \\/","id":12345678901234567890,"odd":"\\u0061",' +
        '"all":{"text": "\\u00e4 \\/" , "n":1.0},"tone":"dry","big":12345678901234567890,' +
        '"deep":[1.10,{"list":[1e400,null]},{"from":"x"}],"none":null,"\\u0000":true,"config":{"rate":1.10}}',
    );
    expect(frames.get("send")?.results).toEqual({ draft: '{"text": "\\u00e4 \\/" , "n":1.0}' });
  });

  test("an empty one is an empty object", async () => {
    const bed = await workflowBed();
    await beginWith(bed.bench, yaml("  - { name: a, handler: { callable: echo }, input: {} }"), '{"x":1}');

    expect((await given(bed, {})).get("a")?.input).toBe("{}");
  });

  test.each([
    ["/txt", '{"text":1}', 'at "/txt", which leads to nothing; found {"text":1}'],
    ["/text/a", '{"text":"a"}', 'at "/text/a", which leads to nothing'],
    ["/list/2", '{"list":[1,2]}', 'at "/list/2", which leads to nothing'],
    ["/list/x", '{"list":[1,2]}', 'at "/list/x", which leads to nothing'],
    ["/list/-1", '{"list":[1,2]}', 'at "/list/-1", which leads to nothing'],
    ["/length", '"text"', 'at "/length", which leads to nothing; found "text"'],
    ["/__proto__", "{}", 'at "/__proto__", which leads to nothing; found {}'],
    ["", "", ", and there is none"],
  ])(
    "%j of the result %s fails it for good, naming the place, and gives its slot back",
    async (at, output, found) => {
      const bed = await workflowBed();
      const { bench, worker } = bed;
      const flow = template([
        { name: "draft" },
        {
          name: "send",
          dependencies: ["draft"],
          input: { to: { text: { from: "draft", at } } },
          retry: { max_attempts: 5 },
        },
      ]);
      const { id } = await beginWith(bench, flow, "{}");
      await given(bed, { draft: output });

      expect(await shown(bench, id)).toBe("error draft=complete send=error");
      const { attempts, errorMessage } = await stepOf(bench, id, "send");
      expect([attempts, errorMessage]).toEqual([
        1,
        expect.stringContaining(
          `input.to.text is read from the result of "draft"${at === "" ? "" : " "}${found}`,
        ),
      ]);
      const detail = await bench.store.reads.task(id);
      expect(detail?.runs.map(({ reason }) => reason)).toEqual(["", "INPUT_UNMAPPED"]);
      expect(worker.assignments()).toEqual([]);
      expect(bench.errors()).toEqual([]);
      const { roster } = bench.supervisor.core.memory;
      expect(roster.rows().map((row) => roster.held(row.id).size)).toEqual([0]);
    },
  );

  test("gets the same again when it is tried again, and goes on at a checkpoint with what it had", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "a" },
      {
        name: "b",
        dependencies: ["a"],
        input: { x: { from: "a" }, n: 1 },
        retry: { backoff: "none", max_attempts: 2 },
      },
    ]);
    const { task } = await begin(bench, flow, { input: { y: 1 } });
    const inputs: unknown[] = [];
    await work(bench, worker, ({ stepName }, input) => {
      if (stepName === "a") return { result: "done" };
      inputs.push(input);
      if (inputs.length === 1) return { error: "once more" };
      return inputs.length === 2 ? { cursor: 7 } : { result: 1 };
    });

    const own = { x: "done", n: 1 };
    expect(inputs).toEqual([own, own, { ...own, checkpoint: { cursor: 7, output: null } }]);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });
});

describe("steps of every type", () => {
  test("members of a map read their item, its index, the input and results", async () => {
    const bed = await workflowBed();
    const flow = template([
      { name: "fetch" },
      {
        name: "each",
        type: "map",
        dependencies: ["fetch"],
        map: { over: "input/urls" },
        input: {
          url: { from: "item", at: "/u" },
          nr: { from: "index" },
          by: { from: "fetch", at: "/by" },
          n: { from: "input", at: "/n" },
        },
      },
    ]);
    await beginWith(bed.bench, flow, '{"urls":[{"u":1.10},{"u":"b"}],"n":1.0}');
    const frames = await given(bed, { fetch: '{"by":1e400}' });

    expect(frames.get("each_000")?.input).toBe(
      '{"url":1.10,"nr":0,"by":1e400,"n":1.0,"item":{"u":1.10},"index":0}',
    );
    expect(frames.get("each_001")?.input).toBe(
      '{"url":"b","nr":1,"by":1e400,"n":1.0,"item":{"u":"b"},"index":1}',
    );
  });

  test("members of a long map read the results of the Task above", async () => {
    const { bench, worker } = await workflowBed();
    const count = 1_200;
    const flow = template([
      { name: "fetch" },
      {
        name: "each",
        type: "map",
        dependencies: ["fetch"],
        map: { over: "input/list", concurrency: 100 },
        input: { own: { from: "item" }, by: { from: "fetch", at: "/by" } },
      },
    ]);
    const { task } = await begin(bench, flow, {
      input: { list: Array.from({ length: count }, (_, i) => i) },
    });
    const seen: unknown[] = [];
    await work(bench, worker, ({ stepName }, input) => {
      if (stepName === "fetch") return { result: { by: "me" } };
      seen.push([input.own === input.index, input.own === input.item, input.by]);
      return { result: null };
    });

    expect(await shown(bench, task.id)).toMatch(/^complete fetch=complete each=complete /);
    expect(seen.length).toBe(count);
    expect(new Set(seen.map((each) => JSON.stringify(each)))).toEqual(new Set(['[true,true,"me"]']));
  });

  test("a batch and its workers, a decision, its branch, and a convergence", async () => {
    const bed = await workflowBed();
    const flow = yaml(`
  - { name: a, handler: { callable: echo } }
  - { name: cut, type: batchable, handler: { callable: echo }, dependencies: [a], input: { rows: { from: a } } }
  - name: row
    type: batch_worker
    handler: { callable: echo }
    dependencies: [cut, a]
    input: { of: { from: cut, at: /batch_processing_outcome/total_items }, a: { from: a } }
  - { name: choose, type: decision, handler: { callable: echo }, dependencies: [a], input: { a: { from: a } } }
  - { name: left, handler: { callable: echo }, dependencies: [choose], input: { why: { from: choose, at: /why } } }
  - { name: right, handler: { callable: echo }, dependencies: [choose] }
  - name: join
    type: deferred_convergence
    handler: { callable: echo }
    dependencies: [row, left, right]
    input: { left: { from: left } }
`);
    const { id } = await beginWith(bed.bench, flow, "{}");
    const outcome = {
      type: "create_batches",
      worker_count: 1,
      cursor_configs: [{ batch_id: "001", start_cursor: 0, end_cursor: 2, batch_size: 2 }],
      total_items: 2,
    };
    const frames = await given(bed, {
      a: "[5]",
      cut: JSON.stringify({ batch_processing_outcome: { ...outcome, worker_template_name: "row" } }),
      choose: '{"decision_point_outcome":{"type":"create_steps","step_names":["left"]},"why":"cheap"}',
      left: '"l"',
    });

    expect(await shown(bed.bench, id)).toMatch(/^complete /);
    const input = (name: string) => JSON.parse(frames.get(name)?.input ?? "null");
    expect(input("cut")).toEqual({ rows: [5] });
    expect(input("row_001")).toEqual({ of: 2, a: [5], batch: expect.objectContaining({ batch_id: "001" }) });
    expect(input("choose")).toEqual({ a: [5] });
    expect(input("left")).toEqual({ why: "cheap" });
    expect(input("join")).toEqual({ left: "l" });
  });

  test("a child Task, and one whose input cannot be made", async () => {
    const bed = await workflowBed();
    const flow = template([
      { name: "a" },
      {
        name: "sub",
        type: "child_task",
        dependencies: ["a"],
        child: { agent: "echo" },
        input: { id: { from: "a", at: "/id" }, n: { from: "input", at: "/n" } },
      },
    ]);
    const { id } = await beginWith(bed.bench, flow, '{"n":1.0}');
    const frames = await given(bed, { a: '{"id":12345678901234567890}' });
    expect(frames.get("main")?.input).toBe('{"id":12345678901234567890,"n":1.0}');
    expect(await shown(bed.bench, id)).toBe("complete a=complete sub=complete");

    const second = await beginWith(bed.bench, { ...flow, version: "1.0.1" }, "{}");
    await given(bed, { a: '{"id":1}' });
    expect(await shown(bed.bench, second.id)).toBe("error a=complete sub=error");
    expect((await stepOf(bed.bench, second.id, "sub")).errorMessage).toBe(
      'input.n is read from the task\'s input at "/n", which leads to nothing; found {}',
    );
  });

  test("a compensation reads from the same input", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "charge", compensate: "refund" },
      { name: "ship", dependencies: ["charge"], retry: { max_attempts: 1 } },
      { name: "refund", input: { order: { from: "input", at: "/id" }, why: "failed" } },
    ]);
    await begin(bench, flow, { input: { id: 7 } });
    const refunds: unknown[] = [];
    await work(bench, worker, ({ stepName }, input) => {
      if (input.compensate !== undefined) refunds.push(input);
      return stepName === "ship" ? { error: "no" } : { result: "paid" };
    });

    expect(refunds).toEqual([
      { order: 7, why: "failed", compensate: expect.objectContaining({ result: "paid" }) },
    ]);
  });

  test("a failed member that is tolerated is null, and a failed step with no result leads to nothing", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      {
        name: "each",
        type: "map",
        map: { over: "input/list", failure_strategy: "continue_on_failure" },
        retry: { max_attempts: 1 },
      },
      {
        name: "end",
        dependencies: ["each"],
        input: { first: { from: "each", at: "/0" }, all: { from: "each" } },
      },
    ]);
    const { task } = await begin(bench, flow, { input: { list: [1, 2] } });
    const inputs: unknown[] = [];
    await work(bench, worker, ({ stepName }, input) => {
      if (stepName === "end") inputs.push(input);
      return input.index === 0 ? { error: "no" } : { result: input.index ?? 0 };
    });

    expect(await shown(bench, task.id)).toMatch(/^complete /);
    expect(inputs).toEqual([{ first: null, all: [null, 1] }]);
  });
});

describe("large inputs", () => {
  const long = "x".repeat(limits.inlineInputBytes + 1);

  test("of the Task are read by reference, and what is mapped from them is sent", async () => {
    const bench = await startBench();
    const bed = { bench, worker: bench.worker("w1", { capacity: 10, protocol: 2 }) };
    const flow = template([{ name: "a" }, { name: "b", input: { t: { from: "input", at: "/t" }, n: 1 } }]);
    const input = JSON.stringify({ long, t: "small" });
    await beginWith(bed.bench, flow, input);
    const frames = await given(bed, {});

    expect(frames.get("a")).toMatchObject({ input: "", inputRef: { bytes: input.length } });
    expect(frames.get("b")).toMatchObject({ input: '{"t":"small","n":1}', parts: "" });
    expect(frames.get("b")?.inputRef).toBeUndefined();
  });

  test("a mapped one is sent whole up to a message, and fails beyond it", async () => {
    const bed = await workflowBed();
    const part = { from: "input", at: "/t" };
    const flow = template([
      { name: "fits", input: { a: part, b: part } },
      {
        name: "not",
        dependencies: ["fits"],
        input: Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`p${i}`, part])),
      },
    ]);
    const { id } = await beginWith(bed.bench, flow, JSON.stringify({ t: "x".repeat(1_000_000) }));
    const frames = await given(bed, {});

    expect(frames.get("fits")?.input.length).toBe(2_000_015);
    expect(frames.has("not")).toBe(false);
    expect((await stepOf(bed.bench, id, "not")).errorMessage).toContain(
      "input.p4 makes the input larger than a message: let the step be given less",
    );
    expect(bed.bench.fatal).toEqual([]);
  });
});

test("an assignment weighs each source as often as it is read, and one of unknown size as much as it may be", () => {
  const { mapping } = readMapping({
    a: { from: "fetch" },
    b: { from: "fetch", at: "/x" },
    c: { from: "input" },
    d: { from: "other" },
    e: "constant",
  });
  const step = { taskId: "t" } as StepRow;
  const view = {
    step: ({ taskId, stepName }: StepKey) =>
      taskId === "above" && stepName === "fetch" ? ({ outputBytes: 7 } as StepRow) : undefined,
  };
  const texts = '{"a":,"b":,"c":,"d":,"e":"constant"}'.length;

  const weight = mappedWeight(step, { ...mapping, resultsOf: "above" as TaskId }, 100, view);
  expect(weight).toBe(texts + 7 + 7 + 100 + limits.resultBytes);
});

test("a template that an older release registered with an input of another system runs as it did", async () => {
  const bed = await workflowBed();
  const flow = template([{ name: "a", input: ["x"] as never }]);
  await beginWith(bed.bench, flow, '{"x":1}');

  expect((await given(bed, {})).get("a")?.input).toBe('{"x":1}');
});
