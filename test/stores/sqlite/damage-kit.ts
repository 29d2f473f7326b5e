import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RunId } from "#domain/id";
import { recordKey } from "#domain/task/journal";
import { instant } from "#domain/time/time";
import type { Store } from "#ports/store";
import { sqliteStore } from "#stores/sqlite/index";
import { commit, ended, line, run, runId, step, task, taskId, template } from "#testing/rows";

/** A directory with Tasks of all kinds, left behind in the middle of its work, and all that can be read of it. */

const KIB = 1_024;
export const TASKS = 60;
const FILE = "taskrun.db";
const parts = ["", "-wal", ".head", ".sums"];

export const opened = (folder: string): Store =>
  sqliteStore({ path: join(folder, FILE), threads: false, reserveBytes: 0, remember: false });

/**
 * What a kill leaves behind: the files as they are while the store is open.
 *
 * @param from the name of the store's file there
 */
export function copyOf(folder: string, to: string, from = FILE): void {
  mkdirSync(to, { recursive: true });
  for (const part of parts) {
    const file = join(folder, `${from}${part}`);
    if (existsSync(file)) copyFileSync(file, join(to, `${FILE}${part}`));
  }
}

/** Tasks that wait, run and have ended; half of them in the file, half in the log. Returns the open store. */
export async function fill(folder: string): Promise<Store> {
  const first = opened(folder);
  await first.boot();
  for (let n = 1; n <= TASKS / 2; n++) await add(first, n);
  await first.close();
  const store = opened(folder);
  await store.boot();
  for (let n = TASKS / 2 + 1; n <= TASKS; n++) await add(store, n);
  await store.removeFinished(instant(4), 1);
  return store;
}

async function add(store: Store, n: number): Promise<void> {
  const id = taskId(n);
  const row = task(id, { counts: { enqueued: 2 } });
  const names = ["a", "b"];
  await store.commit(
    commit({
      at: instant(n),
      tasks: [row],
      steps: names.map((name) => step(id, { name, rank: n })),
      runs: [run(runId(n), id, { stepName: "a" })],
      inputs: [{ taskId: id, json: `"${"x".repeat((n % 7) * KIB)}"` }],
      stepInputs: [{ taskId: id, stepName: "b", json: `[${n}]` }],
      log: [{ taskId: id, entries: [line(`${n}`), line("two")] }],
      deadlines: [{ taskId: id, stepName: "", kind: "timeout", at: instant(1_000 + n) }],
      lanesAdded: n === 1 ? [laneOfAll] : [],
      templates: n % 10 === 0 ? [template("etl", `1.0.${n}`)] : [],
    }),
  );
  if (n % 3 > 0) return;
  await store.commit(
    commit({
      at: instant(n),
      tasks: [ended(row, n)],
      runs: [run(runId(n), id, { stepName: "a", revision: 2, status: "COMPLETED", heldBy: "" })],
      outputs: [{ taskId: id, stepName: "a", json: `"${"y".repeat(n)}"` }],
      journal: [{ ...recordKey({ taskId: id, stepName: "a" }, 0), json: "[0]" }],
      log: [{ taskId: id, entries: [line("three")] }],
    }),
  );
}
const laneOfAll = (await import("#testing/rows")).lane;

/** Everything that can be read of a store, in every way there is, as one text. */
export async function everything(store: Store): Promise<string> {
  const boot = await store.boot();
  const { reads } = store;
  const ids = Array.from({ length: TASKS }, (_, i) => taskId(i + 1));
  const steps = ids.flatMap((id) => ["a", "b"].map((stepName) => ({ taskId: id, stepName })));
  const runs = ids.map((_, i) => runId(i + 1) as RunId);
  const refs = ["", "1.0.10", "1.0.40"].map((version) => ({ namespace: "default", name: "etl", version }));
  const journals = await Promise.all(steps.map((key) => reads.journal(key, 0, { records: 9, bytes: 1e6 })));
  const parts: unknown[] = [
    { ...boot, waiting: [...boot.waiting], templates: [...boot.templates], journals },
    await store.load({ graphs: ids, inputs: ids, stepInputs: steps, outputs: steps, templates: refs }),
    await store.load({ wholeTasks: ids, runs, steps }),
    await store.ready(laneOfAll.key, 1_000),
    await store.due(instant(1e9), 1_000),
    await store.nextDueAt(),
    await reads.tasks({ namespaces: "*" }, undefined, 1_000),
    await reads.tasks({ namespaces: ["default"], status: "COMPLETED" }, undefined, 1_000),
    await reads.templates({ namespaces: "*" }, undefined, 100),
  ];
  for (const id of ids) {
    parts.push(await reads.task(id), await reads.log(id, 0, 1e6), await reads.logBounds(id));
  }
  for (const id of runs) parts.push(await reads.run(id));
  for (const key of steps) parts.push(await reads.output(key));
  for (const ref of refs) parts.push(await reads.template(ref));
  return JSON.stringify(parts, (_, value) => (value instanceof Map ? [...value] : value));
}
