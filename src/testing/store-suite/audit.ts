import { type AuditRecord, auditRecord, NO_ENTRY } from "#domain/audit/record";
import { instant } from "#domain/time/time";
import type { AuditAppend, AuditStore } from "#ports/audit";
import type { Store } from "#ports/store";
import { entryOf, linked } from "#stores/shared/audit-chain";
import { commit, task, taskId } from "../rows.js";
import { keyRow } from "./credentials.js";
import type { Suite } from "./kit.js";

/** What is recorded of who did what: the order of each chain, its hashes, and what belongs to one transaction. */
export function auditTests({ test, expect, use }: Suite): void {
  const audited = auditedBy(use);

  test("entries are numbered from 1, and each has the hash of the one before it, as everybody computes it", () =>
    audited(async (audit, _, reopen) => {
      const odd = record('a\u0000b\ud800 \u2028 "ü" \\ 🙂', { detail: "tab\there", namespace: "n" });
      await audit.append("1", append("c", record("x"), odd));
      await audit.append("2", append("c", record("y", { count: 3, result: "refused", since: instant(7) })));
      const again = await reopen();
      await again.boot();
      const entries = (await again.audit?.entries(undefined, 10)) ?? [];
      const records = [record("x"), odd, record("y", { count: 3, result: "refused", since: instant(7) })];
      const expected = linked({ chain: "c", records }).map((each) => entryOf("c", each));
      expect(entries).toEqual(expected);
      expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(entries[0]?.prev).toBe(NO_ENTRY);
    }));

  test("a commit writes its entries or nothing, and a commit that is refused appends none", () =>
    audited(async (audit, store) => {
      const id = taskId(1);
      await store.commit(commit({ tasks: [task(id)], audit: append("c", record("first")) }));
      const moved = commit({ tasks: [task(id, { revision: 5 })], audit: append("c", record("never")) });
      await expect(store.commit(moved)).rejects.toMatchObject({ code: "conflict" });
      await store.commit(commit({ audit: append("c", record("alone")) }));
      expect(objects(await audit.entries(undefined, 10))).toBe("first alone");
    }));

  test("what many append to one chain at the same time has one order and no gap", () =>
    audited(async (audit, store) => {
      const some = Array.from({ length: 8 }, (_, i) => i);
      await Promise.all(
        some.flatMap((i) => [
          audit.append(`a${i}`, append("c", record(`a${i}`), record(`b${i}`))),
          store.commit(commit({ audit: append("c", record(`c${i}`)) })),
        ]),
      );
      const entries = await audit.entries(undefined, 100);
      expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
      expect(entries.slice(1).every(({ prev }, i) => prev === entries[i]?.hash)).toBe(true);
    }));

  test("keys and the entry about them are one transaction, and what writes no key appends none", () =>
    audited(async (audit, { credentials }) => {
      if (!credentials) return;
      const about = (object: string) => append("c", record(object));
      const made = keyRow("k");
      expect(await credentials.putKeys([made], about("made"))).toBe(true);
      // A store whose answer may be lost takes it for a repetition.
      await credentials.putKeys([made], about("made again"));
      expect(await credentials.putKeys([{ ...made, name: "other" }], about("other"))).toBe(false);
      const ended = keyRow("k", { revision: 2, expiresAt: instant(9) });
      expect(await credentials.putKeys([keyRow("new"), keyRow("k", { revision: 9 })], about("half"))).toBe(
        false,
      );
      expect(await credentials.putKeys([keyRow("new"), ended], about("replaced"))).toBe(true);
      expect(objects(await audit.entries(undefined, 10))).toBe("made replaced");
      expect((await credentials.keys()).map(({ id, revision }) => `${id} ${revision}`)).toEqual([
        "k 2",
        "new 1",
      ]);
    }));
}

/** How entries are read and removed. */
export function auditReadTests({ test, expect, use }: Suite): void {
  const audited = auditedBy(use);

  test("entries are read by chain and place, and the newest first", () =>
    audited(async (audit) => {
      await audit.append(
        "1",
        append("b", record("b1", { at: instant(5) }), record("b2", { at: instant(9) })),
      );
      await audit.append("2", append("a", record("a1", { at: instant(7) })));
      expect(objects(await audit.entries(undefined, 10))).toBe("a1 b1 b2");
      expect(objects(await audit.entries({ chain: "a", seq: 1 }, 1))).toBe("b1");
      expect(objects(await audit.entries({ chain: "b", seq: 1 }, 10, "b"))).toBe("b2");
      expect(objects(await audit.entries(undefined, 10, "a"))).toBe("a1");
      const [newest, ...others] = await audit.latest(undefined, 10);
      expect(objects(newest ? [newest, ...others] : [])).toBe("b2 a1 b1");
      expect(objects(await audit.latest(newest, 1))).toBe("a1");
      const heads = await audit.heads("", 10);
      expect(heads.map(({ chain, first, seq, at }) => [chain, first, seq, at])).toEqual([
        ["a", 1, 1, 7],
        ["b", 1, 2, 9],
      ]);
      expect(heads[1]?.hash).toBe(newest?.hash);
      expect((await audit.heads("a", 1)).map(({ chain }) => chain)).toEqual(["b"]);
    }));

  test("the oldest entries are removed, a bounded number at a time, and the chain goes on from its end", () =>
    audited(async (audit) => {
      await audit.append("1", append("c", record("1"), record("2"), record("3"), record("4")));
      await audit.append("2", append("d", record("other")));
      expect(await audit.remove({ chain: "c", seq: 3 }, 2)).toBe(2);
      expect(await audit.remove({ chain: "c", seq: 3 }, 2)).toBe(1);
      expect(await audit.remove({ chain: "c", seq: 3 }, 2)).toBe(0);
      await audit.append("3", append("c", record("5")));
      const left = await audit.entries(undefined, 10, "c");
      expect(left.map(({ seq }) => seq)).toEqual([4, 5]);
      expect(left[1]?.prev).toBe(left[0]?.hash);
      expect(await audit.remove({ chain: "d", seq: 1 }, 5)).toBe(1);
      expect((await audit.heads("", 10)).map(({ chain, first }) => [chain, first])).toEqual([["c", 4]]);
    }));
}

/** Runs a test on a store that keeps an audit log; of others there is nothing to test. */
function auditedBy(use: Suite["use"]) {
  return (body: (audit: AuditStore, store: Store, reopen: () => Promise<Store>) => Promise<void>) =>
    use(async (store, reopen) => {
      if (store.audit) await body(store.audit, store, reopen);
    });
}

function record(object: string, part: Partial<AuditRecord> = {}): AuditRecord {
  return auditRecord({ at: instant(1_000), actor: "key:a", action: "worker.drain", object, ...part });
}

function append(chain: string, ...records: AuditRecord[]): AuditAppend {
  return { chain, records };
}

function objects(entries: readonly AuditRecord[]): string {
  return entries.map(({ object }) => object).join(" ");
}
