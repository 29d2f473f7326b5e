import type { TaskId } from "#domain/id";
import { type JournalEntryName, NO_SIGNALS, recordKey, type StepJournal } from "#domain/task/journal";
import { instant } from "#domain/time/time";
import type { Store } from "#ports/store";
import type { TextsToCommit } from "#ports/store-turns";
import { commit, ended, step, task, taskId } from "../rows.js";
import { nowAndAfterRestart, type Suite } from "./kit.js";

const [a, b] = [taskId(1), taskId(2)];
const PLENTY = { records: 1_000, bytes: 1_000_000 };

/** Records of a Step, from a seq on: each text names its place. */
function records(of: TaskId, stepName: string, seqs: readonly number[], rest = ""): TextsToCommit["journal"] {
  return seqs.map((seq) => ({
    ...recordKey({ taskId: of, stepName }, seq),
    json: textOf(of, stepName, seq, rest),
  }));
}

function textOf(of: TaskId, stepName: string, seq: number, rest = ""): string {
  return JSON.stringify([of, stepName, seq, rest]);
}

function upTo(end: number): readonly number[] {
  return Array.from({ length: end }, (_, seq) => seq);
}

function readerOf({ reads }: Store) {
  return (of: TaskId, stepName: string, from = 0, most: Partial<typeof PLENTY> = {}) =>
    reads.journal({ taskId: of, stepName }, from, { ...PLENTY, ...most });
}

/** What agents journal: records that are only added, and read by pages. */
export function journalTests({ test, expect, use }: Suite): void {
  test("records are read in their order from any seq on, in whatever order and commits they were written", () =>
    use(async (store, reopen) => {
      const order = [2, 0, 1, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3];
      await store.commit(commit({ tasks: [task(a)], steps: [step(a)], journal: records(a, "main", [2, 0]) }));
      await store.commit(commit({ journal: records(a, "main", order.slice(2)) }));
      const all = upTo(13).map((seq) => textOf(a, "main", seq));
      await nowAndAfterRestart(store, reopen, async (opened) => {
        const read = readerOf(opened);
        expect(await read(a, "main")).toEqual(all);
        expect(await read(a, "main", 9)).toEqual(all.slice(9));
        expect(await read(a, "main", 12)).toEqual(all.slice(12));
        expect(await read(a, "main", 13)).toEqual([]);
        expect(await read(a, "none")).toEqual([]);
        expect(await read(b, "main")).toEqual([]);
      });
    }));

  test("a page ends with its last record, or with the one that reaches its bytes, and has one if there is any", () =>
    use(async (store) => {
      const texts = upTo(6).map((seq) => textOf(a, "main", seq, "ü"));
      await store.commit(
        commit({ tasks: [task(a)], steps: [step(a)], journal: records(a, "main", upTo(6), "ü") }),
      );
      const read = readerOf(store);
      const size = Buffer.byteLength(texts[0] as string);
      expect(await read(a, "main", 0, { records: 4 })).toEqual(texts.slice(0, 4));
      expect(await read(a, "main", 4, { records: 4 })).toEqual(texts.slice(4));
      expect(await read(a, "main", 0, { bytes: 1 })).toEqual(texts.slice(0, 1));
      expect(await read(a, "main", 0, { bytes: size })).toEqual(texts.slice(0, 1));
      expect(await read(a, "main", 0, { bytes: size + 1 })).toEqual(texts.slice(0, 2));
      expect(await read(a, "main", 2, { bytes: 3 * size })).toEqual(texts.slice(2, 5));
      expect(await read(a, "main", 5, { bytes: 0 })).toEqual(texts.slice(5));
    }));

  test("each Step has its own, whatever the names of others begin with, and so have signals", () =>
    use(async (store) => {
      const names = ["", "a", "a/", "a/00000001", "a0", "a.b", "aa", "ä", "A"];
      const journal = names.flatMap((name) => records(a, name, [0, 1, 2]));
      const steps = names.filter((name) => name !== "").map((name) => step(a, { name }));
      await store.commit(commit({ tasks: [task(a), task(b)], steps, journal }));
      await store.commit(commit({ journal: records(b, "a", [0]) }));
      const read = readerOf(store);
      for (const name of names) {
        const own = upTo(3).map((seq) => textOf(a, name, seq));
        expect(await read(a, name)).toEqual(own);
        expect(await read(a, name, 1, { records: 1 })).toEqual(own.slice(1, 2));
      }
      expect(await read(b, "a")).toEqual([textOf(b, "a", 0)]);
    }));
}

/** What else rows have of journals. */
export function journalRowTests({ test, expect, use }: Suite): void {
  test("one record is loaded by its key for a turn, and a Task takes its journals with it", () =>
    use(async (store) => {
      const journal = [...records(a, "main", upTo(3)), ...records(a, "", [0]), ...records(b, "main", [0])];
      await store.commit(commit({ tasks: [task(a), task(b)], steps: [step(a), step(b)], journal }));
      const key = recordKey({ taskId: a, stepName: "main" }, 1);
      const found = await store.load({ journal: [key, recordKey(key, 9)] });
      expect([...found.journal.values()]).toEqual([textOf(a, "main", 1)]);

      await store.commit(commit({ tasks: [ended(task(a), 1)] }));
      expect(await store.removeFinished(instant(2), 1)).toEqual([a]);
      const read = readerOf(store);
      expect([await read(a, "main"), await read(a, ""), await read(b, "main")]).toEqual([
        [],
        [],
        [textOf(b, "main", 0)],
      ]);
    }));

  test("what few rows have comes back as it was, is absent from others, and can go again", () =>
    use(async (store, reopen) => {
      const named: JournalEntryName = {
        ...{
          kind: "STEP",
          name: "charge",
          occurrence: 1,
          inputDigest: "",
          effect: "ONCE",
          concurrent: false,
        },
      };
      const journal: StepJournal = {
        ...{ records: 3, entries: 2, bytes: 512, suspensions: 1, notDone: [] },
        open: [{ ...named, entry: 2, seq: 2, until: instant(9) }],
      };
      const signals = { ...NO_SIGNALS, count: 1, kept: [{ name: "go", seq: 0 }], requests: ["r"] };
      const plain = { task: task(b), step: step(b) };
      const waiting = { ...step(a), journal, waits: [2] };
      await store.commit(
        commit({ tasks: [{ ...task(a), signals }, plain.task], steps: [waiting, plain.step] }),
      );
      const held = { ...step(a), revision: 2, journal, heldFor: "IN_DOUBT" } as const;
      const heldTask = { ...task(a), revision: 2, signals, holds: 1 };
      await store.commit(commit({ tasks: [heldTask], steps: [held] }));

      await nowAndAfterRestart(store, reopen, async (opened) => {
        const { reads } = opened;
        const found = await Promise.all([reads.task(a), reads.task(b)]);
        expect(found.map((detail) => [detail?.task, ...(detail?.steps ?? [])])).toEqual([
          [heldTask, held],
          [plain.task, plain.step],
        ]);
        const loaded = await opened.load({ graphs: [a, b] });
        const names = (row: object) => Object.keys(row).filter((name) => RARE.has(name));
        expect([...loaded.tasks, ...loaded.steps].flatMap(names).toSorted()).toEqual([
          "heldFor",
          "holds",
          "journal",
          "signals",
        ]);
        expect(found.flatMap((detail) => (detail?.steps ?? []).flatMap(names)).toSorted()).toEqual([
          "heldFor",
          "journal",
        ]);
      });
    }));
}

const RARE: ReadonlySet<string> = new Set(["holds", "signals", "journal", "waits", "heldFor"]);
