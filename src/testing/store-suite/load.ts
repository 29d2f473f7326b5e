import { instant } from "#domain/time/time";
import {
  commit,
  deadline,
  ended,
  lane,
  loaded,
  run,
  runId,
  sessionId,
  spec,
  step,
  task,
  taskId,
  template,
} from "../rows.js";
import type { Suite } from "./kit.js";

const id = taskId(1);

/** What a turn gets for its needs. */
export function loadTests({ test, expect, use }: Suite): void {
  test("unknown ids are absent from what is loaded", () =>
    use(async (store) => {
      const unknown = { taskId: id, stepName: "main" };
      const keys = [{ namespace: "default", key: "k" }];
      const needs = { wholeTasks: [id], steps: [unknown], runs: [runId(1)], inputs: [id], keys };

      expect(await store.load(needs)).toEqual(loaded());
    }));

  test("a Run brings its Step and its Task, and nothing comes twice", () =>
    use(async (store) => {
      const rows = { tasks: [task(id)], steps: [step(id)], runs: [run(runId(1), id)] };
      await store.commit(commit({ ...rows, steps: [...rows.steps, step(id, { name: "later" })] }));
      const needs = { steps: [{ taskId: id, stepName: "main" }], runs: [runId(1), runId(1)] };

      expect(await store.load({ runs: [runId(1)] })).toEqual(loaded(rows));
      expect(await store.load(needs)).toEqual(loaded(rows));
    }));

  test("a whole Task has its open Steps and its live or held Runs, and no others", () =>
    use(async (store) => {
      const open = [step(id, { name: "a" }), step(id, { name: "b", state: "in_progress" })];
      const ended = (["complete", "error", "cancelled", "resolved_manually"] as const).map((state) =>
        step(id, { name: state, state }),
      );
      const wanted = [run(runId(1), id), run(runId(2), id, { status: "CANCELLED" })];
      const over = run(runId(3), id, { status: "COMPLETED", heldBy: "" });
      await store.commit(commit({ tasks: [task(id)], steps: [...open, ...ended], runs: [...wanted, over] }));

      const whole = await store.load({ wholeTasks: [id] });

      expect(whole.tasks).toEqual([task(id)]);
      expect(whole.steps.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(open);
      expect(whole.runs.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(wanted);
    }));

  test("a key finds the Task that holds it, in its own namespace only", () =>
    use(async (store) => {
      const keyed = task(id, { spec: spec({ idempotencyKey: "k" }) });
      await store.commit(commit({ tasks: [keyed, task(taskId(2))] }));
      const load = (namespace: string, key: string) => store.load({ keys: [{ namespace, key }] });

      expect((await load("default", "k")).tasks).toEqual([keyed]);
      expect((await load("elsewhere", "k")).tasks).toEqual([]);
      expect((await load("default", "")).tasks).toEqual([]);
    }));
}

/** What comes back as it went in, also after a restart. */
export function keepingTests({ test, expect, use }: Suite): void {
  test("texts of all kinds come back as they were", () =>
    use(async (store) => {
      const text = "\"quotes\" 'single' \\ \n\t {} [] … 𝄞 \u0001";
      const row = task(id, { errorMessage: text, spec: spec({ labels: { [text]: text }, createdBy: text }) });
      const backend = {
        provider: text,
        modelName: "m",
        contextWindow: 0,
        supportsStreaming: true,
        modalities: [text],
        tools: [],
        metadata: {},
      };
      const made = run(runId(1), id, { backend, errorMessage: text, errorDetail: text });
      await store.commit(commit({ tasks: [row], runs: [made], inputs: [{ taskId: id, json: text }] }));

      const found = await store.load({ runs: [runId(1)], inputs: [id] });
      expect(found).toMatchObject({ tasks: [row], runs: [made], inputs: new Map([[id, text]]) });
    }));

  test("after a restart the plane finds its time, lanes, held Runs, waiting Tasks, templates and next deadline", () =>
    use(async (first, reopen) => {
      const held = run(runId(1), id, { status: "CANCELLED", heldBy: sessionId("s9") });
      const tasks = [
        task(id),
        task(taskId(2), { namespace: "n2", state: "waiting_for_retry" }),
        task(taskId(3), { namespace: "n2", state: "waiting_for_retry", hasRun: true }),
        task(taskId(4), { state: "steps_in_process", hasRun: true }),
        task(taskId(5), { namespace: "n2" }),
      ];
      const runs = [held, run(runId(2), id, { heldBy: "" })];
      const deadlines = [deadline(id, 9_000), deadline(taskId(2), 8_000)];
      const other = { namespace: "n2" };
      const templates = [
        template("etl", "1.0.0"),
        template("etl", "1.0.0", other),
        template("etl", "2.0.0", other),
      ];
      await first.commit(commit({ tasks, runs, deadlines, templates, lanesAdded: [lane] }));
      await first.commit(commit({ at: instant(7_000), tasks: [ended(task(taskId(5)), 6_000)] }));

      const store = await reopen();
      const booted = await store.boot();
      expect(booted).toEqual({
        // Several processes may go by the clock of their store.
        at: store.shared ? booted.at : 7_000,
        lanes: [lane],
        // A node adopts nothing before it has joined the others.
        held: store.nodes ? [] : [held],
        waiting: new Map([
          ["default", 1],
          ["n2", 1],
        ]),
        templates: new Map([
          ["default", 1],
          ["n2", 2],
        ]),
        agents: [],
        pauses: [],
        nextDueAt: 8_000,
      });
    }));
}
