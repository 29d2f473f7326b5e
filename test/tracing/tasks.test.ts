/** Traces of Tasks in one process: plane, client, worker and agents, and a collector on the loopback. */
import { trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { agent } from "#worker/index";
import { drawn } from "./collector.js";
import { fourSteps, stopped, tracedPlane, work } from "./kit.js";

const any = z.looseObject({});
const client = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const traceparent = `00-${client.traceId}-${client.spanId}-01`;

const sampler = process.env.OTEL_TRACES_SAMPLER;
afterEach(() => {
  if (sampler === undefined) delete process.env.OTEL_TRACES_SAMPLER;
  else process.env.OTEL_TRACES_SAMPLER = sampler;
});

describe("a trace", () => {
  test("of a Task of four Steps has one root, a span for each Step and Run, and the agent's own below its Run", async () => {
    const reading = agent({
      name: "work",
      input: any,
      run: async (_, { stepName }) =>
        trace.getTracer("of the agent").startActiveSpan(`read ${stepName}`, async (span) => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          span.end();
          return {};
        }),
    });
    const { taskrun, collector } = await tracedPlane({ agents: [reading], templates: [fourSteps] });
    await taskrun.client.tasks.run({ template: { name: "four" }, input: { password: "secret" } });
    await stopped(taskrun);

    const all = collector.spans;
    expect(drawn(all)).toMatchInlineSnapshot(`
      "
      task default/four  server, COMPLETED
        step read  internal, COMPLETED
          run work  client, COMPLETED
            run work  server, COMPLETED
              read read  internal
        step left  internal, COMPLETED
          run work  client, COMPLETED
            run work  server, COMPLETED
              read left  internal
        step right  internal, COMPLETED
          run work  client, COMPLETED
            run work  server, COMPLETED
              read right  internal
        step join  internal, COMPLETED
          run work  client, COMPLETED
            run work  server, COMPLETED
              read join  internal
      "
    `);
    expect(all.filter(({ parentSpanId }) => parentSpanId === "")).toHaveLength(1);
    expect(all).toHaveLength(1 + 4 + 4 + 4 + 4);
    expect(new Set(all.map(({ traceId }) => traceId)).size).toBe(1);
    expect(collector.received).toHaveLength(all.length);
    expect(JSON.stringify(all)).not.toContain("secret");
  });

  test("has the id of its Task, the times of its rows, and ids that lead to the log", async () => {
    const { taskrun, collector } = await tracedPlane();
    const { id } = await taskrun.client.tasks.create({ agent: "work" });
    const task = await taskrun.client.tasks.wait(id);
    await stopped(taskrun);

    const [root] = collector.named("task work");
    expect(root).toMatchObject({
      traceId: id.replaceAll("-", ""),
      from: task.createdAtMs,
      to: task.finishedAtMs,
    });
    expect(root?.attributes).toMatchObject({
      "taskrun.task.id": id,
      "taskrun.agent": "work",
      "taskrun.status": "COMPLETED",
    });
    expect(collector.named("run work").map(({ attributes }) => attributes["taskrun.run.id"])).toEqual([
      task.runs[0]?.id,
      task.runs[0]?.id,
    ]);
    expect(root?.resource).toMatchObject({ "service.name": "taskrun" });
    expect(root?.scope).toBe("taskrun");
  });

  test("continues the client's, by its active span or by what it is told", async () => {
    const { taskrun, collector } = await tracedPlane();
    const { tasks } = taskrun.client;
    await trace.getTracer("of the host").startActiveSpan("handle", async (span) => {
      await tasks.run({ agent: "work" });
      span.end();
    });
    await tasks.run({ agent: "work" }, { traceparent });
    const [created] = await tasks.createMany([{ agent: "work" }], { traceparent });
    if (created?.ok) await tasks.wait(created.task.id);
    await stopped(taskrun);

    const [handle] = collector.named("handle");
    const roots = collector.named("task work");
    expect(roots[0]).toMatchObject({ traceId: handle?.traceId, parentSpanId: handle?.spanId, kind: 2 });
    expect(roots.slice(1)).toMatchObject(
      [1, 2].map(() => ({ traceId: client.traceId, parentSpanId: client.spanId })),
    );
  });

  test("is not recorded if the client's is not sampled, and is passed on all the same", async () => {
    let seen: string | undefined;
    const telling = agent({
      name: "tell",
      input: any,
      run: async (_, ctx) => {
        seen = ctx.traceparent;
      },
    });
    const { taskrun, collector } = await tracedPlane({ agents: [telling] });
    await taskrun.client.tasks.run({ agent: "tell" }, { traceparent: traceparent.replace(/1$/, "0") });
    await stopped(taskrun);

    expect(collector.spans).toEqual([]);
    expect(seen).toMatch(new RegExp(`^00-${client.traceId}-[0-9a-f]{16}-00$`));
  });

  test.each(["always_off", "parentbased_always_off"])("is not begun by the sampler %s", async (name) => {
    process.env.OTEL_TRACES_SAMPLER = name;
    const { taskrun, collector } = await tracedPlane();
    await taskrun.client.tasks.run({ agent: "work" });
    await stopped(taskrun);

    expect(collector.spans).toEqual([]);
  });

  test.each(["none at all", "00-0-0-01", `00-${"0".repeat(32)}-${client.spanId}-01`, "x".repeat(5_000)])(
    "a client that sends what is no traceparent gets a trace of the Task's own (%#)",
    async (text) => {
      const { taskrun, collector } = await tracedPlane();
      await taskrun.client.tasks.run({ agent: "work" }, { traceparent: text });
      await stopped(taskrun);

      expect(collector.named("task work")).toMatchObject([{ parentSpanId: "" }]);
    },
  );

  test("does not distinguish requests: the same key is the same Task", async () => {
    const { taskrun } = await tracedPlane();
    const request = { agent: "work", idempotencyKey: "k", input: { n: 1 } };
    const first = await taskrun.client.tasks.create(request, { traceparent });

    const second = await taskrun.client.tasks.create(request, {
      traceparent: traceparent.replaceAll("3", "4"),
    });
    expect(second.id).toBe(first.id);
    expect((await taskrun.client.tasks.create(request)).id).toBe(first.id);
  });
});

describe("spans tell", () => {
  test("of retries, each try below its Step", async () => {
    const { taskrun, collector } = await tracedPlane();
    await taskrun.client.tasks.run({ agent: "flaky", maxAttempts: 2 });
    await stopped(taskrun);

    expect(drawn(collector.spans)).toMatchInlineSnapshot(`
      "
      task flaky  server, COMPLETED
        step main  internal, COMPLETED
          run flaky  client, FAILED, ERROR AGENT_ERROR
            run flaky  server, FAILED, ERROR AGENT_ERROR
          run flaky  client, COMPLETED
            run flaky  server, COMPLETED
      "
    `);
    expect(JSON.stringify(collector.spans)).not.toContain("secret");
  });

  test("of failures by their reason, and of a Task that is tried again which one it was", async () => {
    const { taskrun, collector } = await tracedPlane();
    const { tasks } = taskrun.client;
    const { id } = await tasks.create({ agent: "broken" });
    await tasks.wait(id);
    const again = await tasks.retry(id);
    await tasks.wait(again.id);
    await stopped(taskrun);

    expect(drawn(collector.spans)).toMatchInlineSnapshot(`
      "
      task broken  server, FAILED, ERROR STEP_FAILED
        step main  internal, FAILED, ERROR AGENT_ERROR
          run broken  client, FAILED, ERROR AGENT_ERROR
            run broken  server, FAILED, ERROR AGENT_ERROR
      task broken  server, FAILED, ERROR STEP_FAILED, → retry_of
        step main  internal, FAILED, ERROR AGENT_ERROR
          run broken  client, FAILED, ERROR AGENT_ERROR
            run broken  server, FAILED, ERROR AGENT_ERROR
      "
    `);
    const [first, second] = collector.named("task broken");
    expect(second?.traceId).not.toBe(first?.traceId);
    expect(second?.links).toEqual([{ traceId: first?.traceId, spanId: first?.spanId, relation: "retry_of" }]);
    expect(JSON.stringify(collector.spans)).not.toContain("secret");
  });

  test("of a cancelled Task, and not of Steps that never began", async () => {
    const waits = `
name: waits
namespace_name: default
version: 1.0.0
steps:
  - name: first
    handler: { callable: sleep }
  - name: second
    dependencies: [first]
    handler: { callable: work }
`;
    const { taskrun, collector } = await tracedPlane({ templates: [waits] });
    const { tasks } = taskrun.client;
    const { id } = await tasks.create({ template: { name: "waits" } });
    for await (const event of tasks.watch(id))
      if (event.type === "run" && event.run.status === "RUNNING") break;
    await tasks.cancel(id);
    await stopped(taskrun);

    expect(drawn(collector.spans)).toMatchInlineSnapshot(`
      "
      task default/waits  server, CANCELLED
        step first  internal, CANCELLED
          run sleep  client, CANCELLED
            run sleep  server, CANCELLED
      "
    `);
  });

  test("of a child Task, below the Step that it is", async () => {
    const parent = `
name: parent
namespace_name: default
version: 1.0.0
steps:
  - name: below
    type: child_task
    child: { template: { name: four } }
`;
    const { taskrun, collector } = await tracedPlane({ templates: [fourSteps, parent] });
    await taskrun.client.tasks.run({ template: { name: "parent" } });
    await stopped(taskrun);

    expect(drawn(collector.spans.filter(({ kind }) => kind === 1 || kind === 2))).toMatchInlineSnapshot(`
      "
      task default/parent  server, COMPLETED
        step below  internal, COMPLETED
          task default/four  internal, COMPLETED
            step read  internal, COMPLETED
            step left  internal, COMPLETED
            step right  internal, COMPLETED
            step join  internal, COMPLETED
      run work  server, COMPLETED, of another
      run work  server, COMPLETED, of another
      run work  server, COMPLETED, of another
      run work  server, COMPLETED, of another
      "
    `);
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
  });

  test("of a compensation, below what it compensates, in the same trace", async () => {
    const undone = `
name: undone
namespace_name: default
version: 1.0.0
steps:
  - name: reserve
    handler: { callable: work }
    compensate: release
  - name: ship
    dependencies: [reserve]
    handler: { callable: broken }
  - name: release
    handler: { callable: work }
`;
    const { taskrun, collector } = await tracedPlane({ templates: [undone] });
    const { tasks } = taskrun.client;
    const { id } = await tasks.create({ template: { name: "undone" } }, { traceparent });
    const { compensatedBy } = await tasks.wait(id);
    await tasks.wait(compensatedBy);
    await stopped(taskrun);

    expect(drawn(collector.spans)).toMatchInlineSnapshot(`
      "
      task default/undone  server, FAILED, ERROR STEP_FAILED, of another
        step reserve  internal, COMPLETED
          run work  client, COMPLETED
            run work  server, COMPLETED
        step ship  internal, FAILED, ERROR AGENT_ERROR
          run broken  client, FAILED, ERROR AGENT_ERROR
            run broken  server, FAILED, ERROR AGENT_ERROR
        task default/undone  internal, COMPLETED, → compensates
          step release  internal, COMPLETED
            run work  client, COMPLETED
              run work  server, COMPLETED
      "
    `);
  });

  test("of the members of a map, below it", async () => {
    const mapped = `
name: mapped
namespace_name: default
version: 1.0.0
steps:
  - name: each
    type: map
    map: { over: input/list }
    handler: { callable: work }
`;
    const { taskrun, collector } = await tracedPlane({ templates: [mapped] });
    await taskrun.client.tasks.run({ template: { name: "mapped" }, input: { list: [1, 2] } });
    await stopped(taskrun);

    expect(drawn(collector.spans.filter(({ kind }) => kind === 1 || kind === 2))).toMatchInlineSnapshot(`
      "
      task default/mapped  server, COMPLETED
        step each  internal, COMPLETED
          step each  internal, COMPLETED
          step each  internal, COMPLETED
      run work  server, COMPLETED, of another
      run work  server, COMPLETED, of another
      "
    `);
  });

  test("of a Step that an operator tries again once, when it has ended", async () => {
    let fails = true;
    const mended = agent({
      name: "mended",
      input: any,
      run: async () => {
        if (fails) throw new Error("not yet");
        return {};
      },
    });
    const held = `
name: held
namespace_name: default
version: 1.0.0
hold_on_failure: true
steps:
  - name: first
    handler: { callable: mended }
    retry: { max_attempts: 1 }
`;
    const { taskrun, collector } = await tracedPlane({ agents: [mended, work], templates: [held] });
    const { tasks } = taskrun.client;
    const { id } = await tasks.create({ template: { name: "held" } });
    for await (const event of tasks.watch(id))
      if (event.type === "task" && event.task.state === "blocked_by_failures") break;
    fails = false;
    await tasks.resolveStep(id, "first", { action: "retry" });
    await tasks.wait(id);

    await stopped(taskrun);

    expect(collector.received.filter(({ name }) => name === "step first")).toHaveLength(1);
    expect(drawn(collector.spans)).toMatchInlineSnapshot(`
      "
      task default/held  server, COMPLETED
        step first  internal, COMPLETED
          run mended  client, FAILED, ERROR AGENT_ERROR
            run mended  server, FAILED, ERROR AGENT_ERROR
          run mended  client, COMPLETED
            run mended  server, COMPLETED
      "
    `);
  });
});
