/** Ended Tasks with all that can belong to one, and their way through an export into another store. */
import { Readable } from "node:stream";
import type { RunId, TaskId } from "#domain/id";
import { withStatus } from "#domain/task/dead-letter";
import { recordKey } from "#domain/task/journal";
import type { LogEntry } from "#domain/task/log";
import { withStepAction } from "#domain/task/step-action";
import { instant } from "#domain/time/time";
import { type ExportFilter, exportTasks } from "#host/archive/export";
import { importLines, newCount } from "#host/archive/import";
import { readLines } from "#host/archive/read";
import type { Reads, Store } from "#ports/store";
import { commit, deadLetter, ended, line, run, spec, step, stepSpec, task, taskId } from "#testing/rows";

export const [alone, parent, child, failed, compensation, live] = [1, 2, 3, 4, 5, 6].map((n) =>
  taskId(n),
) as [TaskId, TaskId, TaskId, TaskId, TaskId, TaskId];
export const all = [alone, parent, child, failed, compensation];

const action = { at: instant(4_500), actor: "key:op", type: "resolve", reason: "ü \u0000" } as const;

export const said = (runId: RunId, seq: number, content: string): LogEntry => ({
  ...{ type: "output", at: instant(3_000), runId, fence: 1, seq, content, isFinal: false },
  ...{ metadata: { a: "ü" }, sentAt: 9 },
});

/** One ended Task of each kind that there is, with all that can belong to one, and a live one. */
export async function fill(store: Pick<Store, "commit">): Promise<void> {
  const template = { namespace: "default", name: "etl", version: "1.0.0" };
  const specs = {
    [alone]: spec({ idempotencyKey: "k\u0000", fingerprint: "f", labels: { team: "a" } }),
    [parent]: spec({ template, agentName: "" }),
    [child]: spec({ parent: { taskId: parent, stepName: "b" }, depth: 1 }),
    [failed]: spec({ isCompensable: true, retryOf: alone }),
    [compensation]: spec({ compensates: failed }),
    [live]: spec({ idempotencyKey: "live" }),
  };
  for (const id of [...all, live]) {
    const namespace = id === child ? "other" : "default";
    const made = task(id, {
      spec: specs[id as keyof typeof specs] as ReturnType<typeof spec>,
      namespace,
      hasDeadLetter: id === failed || id === child,
    });
    const [first, second] = [`${id}-r1`, `${id}-r2`] as [RunId, RunId];
    await store.commit(
      commit({
        at: instant(4_000),
        tasks: [made],
        steps: ["a", "b"].map((name) =>
          step(id, { name, spec: stepSpec({ planned: name }), dependsOn: name === "b" ? ["a"] : [] }),
        ),
        runs: [run(first, id, { namespace, stepName: "a" })],
        inputs: [
          {
            taskId: id,
            json: '{"price": 1.10, "big": 12345678901234567890, "text": "\\u00e9\\n\\ud83d\\ude00"}',
          },
        ],
        log: [{ taskId: id, entries: [line("one"), said(first, 0, 'x"\n\u2028😀')] }],
      }),
    );
    if (id === live) continue;
    await store.commit(
      commit({
        at: instant(5_000),
        tasks: [
          {
            ...ended(made, 100 + all.indexOf(id)),
            ...(id === failed && {
              state: "error",
              reason: "STEP_FAILED",
              errorMessage: "no",
              compensatedBy: compensation,
            }),
            counts: { complete: 2 },
          },
        ],
        steps: ["a", "b"].map((name) =>
          step(id, {
            name,
            revision: 2,
            state: "complete",
            attempts: 2,
            spec: stepSpec({ planned: name }),
            hasInput: name === "b",
            ...(name === "b" && id === parent && { childId: child }),
          }),
        ),
        runs: [
          run(first, id, {
            namespace,
            stepName: "a",
            revision: 2,
            status: "FAILED",
            heldBy: "",
            errorMessage: "boom",
            errorDetail: "at x",
          }),
          run(second, id, {
            namespace,
            stepName: "a",
            fence: 2,
            status: "COMPLETED",
            heldBy: "",
            backend: null,
          }),
        ],
        stepInputs: [{ taskId: id, stepName: "b", json: "[ 1.0 ]" }],
        outputs: [{ taskId: id, stepName: "a", json: '{"r": 0.10}' }],
        // To a Step, and to the Task as a whole.
        stepActions: ["a", ""].map((stepName) => ({
          taskId: id,
          stepName,
          json: withStepAction(undefined, action),
        })),
        // Of a Step, and signals of the Task.
        journal: ["a", ""].flatMap((stepName) =>
          [0, 1, 2].map((seq) => ({
            ...recordKey({ taskId: id, stepName }, seq),
            json: `{"seq": ${seq}, "r": 0.10}`,
          })),
        ),
        // One that somebody has closed, and one that still waits for a person.
        deadLetters: [
          ...(id === failed
            ? [withStatus(deadLetter(id, { notes: "ü" }), "CANCELLED", "key:op", instant(6_000))]
            : []),
          ...(id === child ? [deadLetter(id, { namespace })] : []),
        ],
        log: [
          {
            taskId: id,
            entries: Array.from({ length: 40 }, (_, seq) => said(second, seq, `${seq}`.repeat(99))),
          },
        ],
      }),
    );
  }
}

const steps = (id: TaskId) => ["a", "b"].map((stepName) => ({ taskId: id, stepName }));

/** Everything of these Tasks that can be read. */
export async function everything(reads: Reads, ids: readonly TaskId[] = all): Promise<unknown> {
  const found = [];
  for (const id of ids) {
    const entries: LogEntry[] = [];
    for (
      let slice = await reads.log(id, 0, 5_000);
      slice.entries.length > 0;
      slice = await reads.log(id, entries.length, 5_000)
    )
      entries.push(...slice.entries);
    const texts = [await reads.input(id)];
    for (const key of steps(id))
      texts.push(await reads.stepInput(key), await reads.output(key), await reads.stepActions(key));
    texts.push(await reads.stepActions({ taskId: id, stepName: "" }));
    for (const key of [...steps(id), { taskId: id, stepName: "" }])
      texts.push(...(await reads.journal(key, 0, { records: 100, bytes: 1e6 })));
    const letter = await reads.deadLetters.get(id, "*");
    found.push({ detail: await reads.task(id), texts, letter, entries, bounds: await reads.logBounds(id) });
  }
  return JSON.parse(JSON.stringify(found));
}

export async function exported(reads: Reads, filter: Partial<ExportFilter> = {}): Promise<string> {
  let text = "";
  for await (const each of exportTasks(reads, { namespaces: "*", ...filter }, 0, { tasks: 0, held: 0 }))
    text += each;
  return text;
}

/** In parts that end anywhere. */
function partsOf(text: string): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text);
  return Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 997) }, (_, i) => bytes.subarray(i * 997, (i + 1) * 997)),
  );
}

export async function imported(text: string, store: Store, batchBytes?: number) {
  const count = newCount();
  let ids = 0;
  const uuid = () => `import-${Math.random()}-${++ids}`;
  await importLines(
    "file",
    readLines("file", partsOf(text)),
    { store, at: instant(6_000), uuid, ...(batchBytes !== undefined && { batchBytes }) },
    count,
  );
  return count;
}
