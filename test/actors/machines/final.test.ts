import fc from "fast-check";
import { expect, test } from "vitest";
import { isOver, type RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { advanceRun, advanceStep, advanceTask } from "#runtime/machines/lifecycles";
import { type Case, runLife, stepLife, taskLife } from "../kit/lives.js";
import { run, spec, step, task } from "../kit/rows.js";

/** Long enough to pass through a whole life several times over. */
const LENGTH = 40;

function messages<Row, Message>(cases: readonly Case<Row, Message>[]) {
  return fc.array(fc.constantFrom(...cases.map(({ message }) => message)), {
    maxLength: LENGTH,
    size: "max",
  });
}

/** A row, and every row it becomes as it is told one message after the other. */
function live<Row, Message>(
  first: Row,
  addressed: readonly Message[],
  advance: (row: Row, message: Message) => readonly [Row, readonly unknown[]],
): { readonly row: Row; readonly asked: number }[] {
  let row = first;
  return addressed.map((message) => {
    const [after, commands] = advance(row, message);
    row = after;
    return { row, asked: commands.length };
  });
}

/** From the first row that is final on: nothing is asked for, and it is the same row, not an equal one. */
function expectFinal<Row>(
  rows: readonly { readonly row: Row; readonly asked: number }[],
  isFinal: (row: Row) => boolean,
) {
  const end = rows.findIndex(({ row }) => isFinal(row));
  if (end < 0) return;
  for (const { row, asked } of rows.slice(end + 1)) {
    expect(row).toBe(rows[end]?.row);
    expect(asked).toBe(0);
  }
}

test("a task that has ended hears nothing any more", () => {
  fc.assert(
    fc.property(messages(taskLife.cases), fc.boolean(), (addressed, holdOnFailure) => {
      const first = task({ counts: { pending: 3 }, spec: spec({ holdOnFailure }) });
      expectFinal<TaskRow>(live(first, addressed, advanceTask), ({ state }) => isTerminal(state));
    }),
  );
});

test("a step that is complete, cancelled or resolved hears nothing any more", () => {
  fc.assert(
    fc.property(messages(stepLife.cases), (addressed) => {
      expectFinal<StepRow>(live(step(), addressed, advanceStep), ({ state }) =>
        ["complete", "cancelled", "resolved_manually"].includes(state),
      );
    }),
  );
});

test("a run's status ends once, its hold ends at most once, and after both it hears nothing any more", () => {
  const isFree = ({ heldBy }: RunRow) => heldBy === "";

  fc.assert(
    fc.property(messages(runLife.cases), (addressed) => {
      const rows = [{ row: run(), asked: 0 }, ...live(run(), addressed, advanceRun)];

      const ends = rows.filter(
        ({ row }, i) => i > 0 && row.status !== rows[i - 1]?.row.status && isOver(row.status),
      );
      expect(ends.length).toBeLessThanOrEqual(1);
      const over = rows.findIndex(({ row }) => isOver(row.status));
      for (const { row } of over < 0 ? [] : rows.slice(over)) expect(row.status).toBe(rows[over]?.row.status);

      const dispatchStep = rows.filter(
        ({ row }, i) => i > 0 && isFree(row) && !isFree(rows[i - 1]?.row as RunRow),
      );
      expect(dispatchStep.length).toBeLessThanOrEqual(1);
      expectFinal(rows, (row) => isOver(row.status) && isFree(row));
    }),
  );
});

test("a run that is alive is held, so that its slot is never given away", () => {
  fc.assert(
    fc.property(messages(runLife.cases), (addressed) => {
      for (const { row } of live(run(), addressed, advanceRun)) {
        if (row.status === "ASSIGNED" || row.status === "RUNNING") expect(row.heldBy).not.toBe("");
      }
    }),
  );
});
