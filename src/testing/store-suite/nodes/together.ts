import type { Committed } from "#ports/store-turns";
import { commit, line, run, runId, sessionId, spec, step, task, taskId, template } from "../../rows.js";
import { first, type SharedSuite, second, workerRow } from "./kit.js";

const [id, other] = [taskId(1), taskId(2)];

/** What one process writes the other one has, and none writes on what the other has moved. */
export function togetherTests({ test, expect, two }: SharedSuite): void {
  test("what one process has written the other one loads at once, if it asks for no older answer", () =>
    two(async ({ a, b }) => {
      expect([a.shared, b.shared]).toEqual([true, true]);
      await a.commit(commit({ tasks: [task(id)], steps: [step(id)] }));
      expect((await b.load({ wholeTasks: [id] }, true)).steps).toEqual([step(id)]);
      await b.commit(commit({ steps: [step(id, { revision: 2, state: "in_progress" })] }));
      expect((await a.load({ wholeTasks: [id] }, true)).steps).toMatchObject([{ revision: 2 }]);
    }));

  test("a commit is refused for a row that the other process has moved, though it only read it", () =>
    two(async ({ a, b }) => {
      await a.commit(commit({ tasks: [task(id), task(other)] }));
      await b.commit(commit({ tasks: [task(other, { revision: 2 })] }));
      const read = [{ kind: "tasks", id: other, revision: 1 }] as const;
      const skewed = a.commit(commit({ read, tasks: [task(id, { revision: 2 })] }));
      await expect(skewed).rejects.toMatchObject({ code: "conflict", moved: read });
      expect((await b.load({ wholeTasks: [id] })).tasks).toEqual([task(id)]);
    }));

  test("a commit that both processes send is written once", () =>
    two(async ({ a, b }) => {
      await a.commit(commit({ tasks: [task(id)] }));
      const turn = commit({ log: [{ taskId: id, entries: [line("one")] }] });
      const answers = await Promise.all([a.commit(turn), b.commit(turn)]);
      expect(answers).toEqual([{ firstSeqs: [1] }, { firstSeqs: [1] }]);
      expect(await b.reads.logBounds(id)).toEqual({ earliest: 1, last: 1 });
    }));

  test("the lines that two processes write at the same time are numbered without gap or double", () =>
    two(async ({ a, b }) => {
      await a.commit(commit({ tasks: [task(id), task(other)] }));
      const written: { readonly seq: number; readonly said: string }[] = [];
      const write = async (store: typeof a, name: string) => {
        for (let i = 0; i < 8; i++) {
          const entries = [line(`${name} ${i}`), line(`${name} ${i}, too`)];
          // In either order of Tasks, so that each waits for the other.
          const ids = name === "a" ? [id, other] : [other, id];
          const answer: Committed = await store.commit(
            commit({ log: ids.map((taskId) => ({ taskId, entries })) }),
          );
          written.push({ seq: answer.firstSeqs[ids.indexOf(id)] ?? 0, said: `${name} ${i}` });
        }
      };
      await Promise.all([write(a, "a"), write(b, "b")]);
      const { entries } = await b.reads.log(id, 0, 1e6);
      const said = entries.map((entry) => (entry.type === "chat" ? entry.content : ""));
      expect(said.length).toBe(32);
      for (const { seq, said: each } of written) expect(said[seq - 1]).toBe(each);
    }));

  test("the Runs that a session holds are loaded by its id", () =>
    two(async ({ a, b }) => {
      const [s1, s2] = [sessionId("s1"), sessionId("s2")];
      const held = run(runId(1), id, { heldBy: s1, node: first });
      const runs = [held, run(runId(2), id, { heldBy: s2 }), run(runId(3), id, { heldBy: "", session: s1 })];
      await a.commit(commit({ tasks: [task(id)], steps: [step(id)], runs }));
      const found = await b.load({ heldBy: [s1] });
      expect([found.runs, found.steps, found.tasks]).toEqual([[held], [step(id)], [task(id)]]);

      await a.commit(commit({ runs: [{ ...held, revision: 2, heldBy: s2, node: second }] }));
      expect((await b.load({ heldBy: [s1] })).runs).toEqual([]);
      const moved = await b.load({ heldBy: [s2] });
      expect(moved.runs.map((each) => each.id).toSorted()).toEqual([runId(1), runId(2)]);
    }));
}

/** Of what both processes write first, one wins. */
export function raceTests({ test, expect, two }: SharedSuite): void {
  const isWritten = (turn: Promise<unknown>) =>
    turn.then(
      () => "written",
      (error: { readonly code?: string }) => error.code,
    );

  for (const [what, turns] of [
    [
      "an idempotency key",
      [id, other].map((each) => ({ tasks: [task(each, { spec: spec({ idempotencyKey: "k" }) })] })),
    ],
    [
      "the version of a template",
      ["x", "y"].map((digest) => ({ templates: [template("etl", "1.0.0", { digest })] })),
    ],
    ["the row of a worker", [first, second].map((node) => ({ workers: [workerRow("w1", node)] }))],
  ] as const) {
    test(`of two processes that take ${what}, one has it`, () =>
      two(async ({ a, b }) => {
        const [one = {}, another = {}] = turns;
        const outcomes = await Promise.all([
          isWritten(a.commit(commit(one))),
          isWritten(b.commit(commit(another))),
        ]);
        expect(outcomes.toSorted()).toEqual(["conflict", "written"]);
      }));
  }

  test("of two processes that change one row, one has changed it, and the other is told which", () =>
    two(async ({ a, b }) => {
      await a.commit(commit({ tasks: [task(id)], workers: [workerRow("w1", first)] }));
      const again = {
        tasks: [task(id, { revision: 2 })],
        workers: [workerRow("w1", second, { revision: 2 })],
      };
      const moved = (turn: Promise<unknown>) =>
        turn.then(
          () => [],
          (error: { readonly moved?: readonly object[] }) => error.moved,
        );
      const outcomes = await Promise.all([moved(a.commit(commit(again))), moved(b.commit(commit(again)))]);
      expect(outcomes.filter((each) => each?.length === 0).length).toBe(1);
      expect(outcomes.find((each) => each?.length !== 0)).toMatchObject([
        { kind: "tasks", id, revision: 1 },
        { kind: "workers", revision: 1 },
      ]);
      const key = workerRow("w1", first).key;
      expect((await b.load({ workers: [key] })).workers).toEqual(again.workers);
    }));
}
