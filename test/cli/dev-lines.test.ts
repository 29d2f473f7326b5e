import { expect, test } from "vitest";
import { TaskLines } from "#cli/dev/task-lines";
import type { Io } from "#cli/terminal/io";
import { limits } from "#limits/index";
import { ended, run, runId, task, taskId } from "#testing/rows";

/** Lines as a terminal shows them; one that takes nothing resolves no write. */
function linesOn(takes = true) {
  const shown: string[] = [];
  const write = (text: string): Promise<void> => {
    shown.push(text);
    return takes ? Promise.resolve() : new Promise(() => {});
  };
  const stdout = { write, isTTY: false, columns: undefined, rows: undefined };
  return { lines: new TaskLines({ stdout, env: {} } as unknown as Io), shown };
}

const t1 = taskId(1);

test("a task is a line at its start and one at its end, with its attempts and its failure", () => {
  const { lines, shown } = linesOn();
  const live = task(t1, { counts: {} });
  lines.committed({ tasks: [live], runs: [run(runId(1), t1)] });
  lines.committed({ tasks: [live], runs: [run(runId(1), t1, { revision: 2 }), run(runId(2), t1)] });
  const failed = { ...ended(live, 3_400), state: "error", errorMessage: "boom\u001b[31m\nforged" } as const;
  lines.committed({ tasks: [failed], runs: [run(runId(2), t1, { revision: 3 })] });

  const lasted = 3_400 - live.createdAt;
  expect(shown).toEqual([
    `task ${t1} echo started\n`,
    `task ${t1} echo FAILED after ${(lasted / 1000).toFixed(1)} s, 2 attempts: boom forged\n`,
  ]);
});

test("a task that ends without a run says so too", () => {
  const { lines, shown } = linesOn();
  lines.committed({ tasks: [{ ...ended(task(t1, { counts: {} }), 3_000), state: "cancelled" }], runs: [] });
  expect(shown).toHaveLength(1);
  expect(shown[0]).toMatch(/^task \S+ echo CANCELLED after [^,]+\n$/);
});

test("a terminal that takes nothing keeps a bounded number of lines", () => {
  const { lines, shown } = linesOn(false);
  for (let i = 0; i < 2 * limits.devLinesUnwritten; i += 1) {
    lines.committed({ tasks: [ended(task(taskId(i + 1), { counts: {} }), 3_000)], runs: [] });
  }
  expect(shown).toHaveLength(limits.devLinesUnwritten);
});
