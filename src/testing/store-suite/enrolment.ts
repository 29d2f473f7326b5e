import type { AuthorityRow } from "#domain/access/authority";
import type { CertifiedKey, EnrolledWorker, TokenRow } from "#domain/access/enrolment";
import { auditRecord } from "#domain/audit/record";
import { type Instant, instant } from "#domain/time/time";
import type { EnrolmentStore } from "#ports/enrolment";
import type { Store } from "#ports/store";
import { nowAndAfterRestart, type Suite } from "./kit.js";

const terms = { namespaces: ["n1"], labels: { zone: "a", odd: '"\u0000ü' }, agents: ["echo"] } as const;
const worker = { namespace: "n1", name: "w1" };

function token(id: string, more: Partial<TokenRow> = {}): TokenRow {
  const made = { createdAt: instant(1), createdBy: "key:x", endsAt: instant(1_000) };
  return { kind: "token", id, revision: 1, hash: "ab", worker, ...terms, ...made, ...more };
}

function enrolled(id: string, more: Partial<EnrolledWorker> = {}): EnrolledWorker {
  const certificates = [{ serial: "4f", spkiHash: "cd", notAfter: instant(2_000) }];
  const state = { revoked: [], revokedAt: 0, deniedUntil: 0, enrolledAt: instant(2), invitedBy: "key:x" };
  return {
    kind: "worker",
    id,
    revision: 1,
    worker,
    ...terms,
    certificates,
    ...state,
    endsAt: instant(2_000),
    ...more,
  };
}

function key(id: string, endsAt: Instant = instant(2_000)): CertifiedKey {
  return { kind: "key", id, revision: 1, worker: "n1/w1", isRevoked: false, endsAt };
}

function authority(more: Partial<AuthorityRow> = {}): AuthorityRow {
  const root = { pin: "sha256:ab", cert: "C", endsAt: instant(3_000) };
  const row = {
    kind: "authority",
    id: "authority",
    revision: 1,
    endsAt: instant(8_640_000_000_000_000),
  } as const;
  const state = { phase: "standby", version: 1, root, bundled: 0, origin: root.pin } as const;
  return { ...row, ...state, changedAt: instant(1), changedBy: "key:x", ...more };
}

function enrolmentOf({ enrolment }: Store): EnrolmentStore {
  if (!enrolment) throw new Error("the store enrols no workers");
  return enrolment;
}

/** Invitations, enrolled workers and their keys. */
export function enrolmentTests({ test, expect, use }: Suite): void {
  test("what the audit log says of a change is appended with it, once, and not if a row has moved", () =>
    use(async (store) => {
      const { audit } = store;
      if (!audit) throw new Error("the store keeps no audit log");
      const enrolment = enrolmentOf(store);
      const said = { at: instant(7), actor: "key:x", action: "worker.invite", object: "worker w1" };
      const append = { chain: "c", records: [auditRecord(said)] };
      expect(await enrolment.put([token("t1")], append)).toBe(true);
      expect(await enrolment.put([token("t1")], append)).toBe(true);
      expect(await enrolment.put([token("t1", { hash: "cd" })], append)).toBe(false);
      const entries = await audit.entries(undefined, 10);
      expect(entries.map(({ seq, action, object }) => [seq, action, object])).toEqual([
        [1, "worker.invite", "worker w1"],
      ]);
    }));

  test("a token's use and the certificate for it are one commit: all rows are there after a restart, or none", () =>
    use(async (store, reopen) => {
      const enrolment = enrolmentOf(store);
      expect(await enrolment.put([token("t1")])).toBe(true);
      const use = { at: instant(5), spkiHash: "cd", cert: "C", chain: "D" };
      const used = token("t1", { revision: 2, used: use });
      expect(await enrolment.put([used, enrolled("n1/w1"), key("cd")])).toBe(true);
      // Another one that found the token unused is too late, and leaves nothing.
      const late = token("t1", { revision: 2, used: { ...use, spkiHash: "ef" } });
      expect(await enrolment.put([enrolled("n1/w2"), key("ef"), late])).toBe(false);
      await nowAndAfterRestart(store, reopen, async (now) => {
        const rows = enrolmentOf(now);
        expect(await rows.get("token", "t1")).toEqual(used);
        expect(await rows.get("worker", "n1/w1")).toEqual(enrolled("n1/w1"));
        expect(await rows.get("key", "cd")).toEqual(key("cd"));
        expect(await rows.get("worker", "n1/w2")).toBe(undefined);
        expect(await rows.get("key", "ef")).toBe(undefined);
      });
    }));

  test("a row is written only over the revision before; the same once more changes nothing", () =>
    use(async (store) => {
      const enrolment = enrolmentOf(store);
      expect(await enrolment.put([enrolled("n1/w1", { revision: 2 })])).toBe(false);
      expect(await enrolment.put([enrolled("n1/w1")])).toBe(true);
      expect(await enrolment.put([enrolled("n1/w1")])).toBe(true);
      expect(await enrolment.put([enrolled("n1/w1", { invitedBy: "key:y" })])).toBe(false);
      expect(await enrolment.put([enrolled("n1/w1", { revision: 3 })])).toBe(false);
      const next = enrolled("n1/w1", { revision: 2, invitedBy: "key:y" });
      expect(await enrolment.put([next])).toBe(true);
      expect(await enrolment.put([enrolled("n1/w1")])).toBe(false);
      expect(await enrolment.get("worker", "n1/w1")).toEqual(next);
    }));

  test("of a hundred that use a token at once, one does", () =>
    use(async (store) => {
      const enrolment = enrolmentOf(store);
      await enrolment.put([token("t1")]);
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, i) => {
          const use = { at: instant(5), spkiHash: `k${i}`, cert: "C", chain: "D" };
          return enrolment.put([token("t1", { revision: 2, used: use }), key(`k${i}`)]);
        }),
      );
      expect(results.filter(Boolean).length).toBe(1);
      expect((await enrolment.list("key", "", 200)).map(({ id }) => id)).toEqual([
        `k${results.indexOf(true)}`,
      ]);
    }));
}

/** Where the rotation of the authority stands. */
export function authorityTests({ test, expect, use }: Suite): void {
  test("the row of the authority is kept, and as it is a condition for what is written with it", () =>
    use(async (store, reopen) => {
      const enrolment = enrolmentOf(store);
      const first = authority();
      expect(await enrolment.put([first])).toBe(true);
      expect(await enrolment.put([enrolled("n1/w1"), first])).toBe(true);
      const root = { pin: "sha256:cd", cert: "D", endsAt: instant(4_000) };
      const next = authority({ revision: 2, phase: "init", next: root, version: 2 });
      expect(await enrolment.put([next])).toBe(true);
      expect(await enrolment.put([enrolled("n1/w2"), first])).toBe(false);
      const read = await enrolment.get("authority", "authority");
      expect(await enrolment.put([enrolled("n1/w3"), ...(read ? [read] : [])])).toBe(true);
      const word = { kind: "authority_node", id: "n", revision: 1, endsAt: instant(9), follows: 2 } as const;
      expect(await enrolment.put([{ ...word, problem: "" }])).toBe(true);
      await nowAndAfterRestart(store, reopen, async (now) => {
        const rows = enrolmentOf(now);
        expect(await rows.get("authority", "authority")).toEqual(next);
        expect(await rows.list("authority_node", "", 9)).toEqual([{ ...word, problem: "" }]);
        expect((await rows.list("worker", "", 9)).map(({ id }) => id)).toEqual(["n1/w1", "n1/w3"]);
      });
    }));
}

/** How rows of enrolment are found, and removed. */
export function enrolmentListTests({ test, expect, use }: Suite): void {
  test("rows of a kind are listed by their ids, page by page", () =>
    use(async (store) => {
      const enrolment = enrolmentOf(store);
      const ids = ["n1/w-b", "n1/w1", "n1/W2", "n2/a"].map((id) => enrolled(id));
      await enrolment.put([...ids, token("t1")]);
      const first = await enrolment.list("worker", "", 2);
      expect(first.map(({ id }) => id)).toEqual(["n1/W2", "n1/w-b"]);
      const rest = await enrolment.list("worker", "n1/w-b", 10);
      expect(rest.map(({ id }) => id)).toEqual(["n1/w1", "n2/a"]);
    }));

  test("workers with a revoked certificate are found until it ends; rows that ended are removed, the oldest first", () =>
    use(async (store, reopen) => {
      const enrolment = enrolmentOf(store);
      const revoked = enrolled("n1/w2", {
        deniedUntil: 500,
        revoked: [{ serial: "4f", notAfter: instant(500) }],
      });
      await enrolment.put([enrolled("n1/w1"), revoked, key("cd", instant(100)), key("ef", instant(50))]);
      expect(await enrolment.denied(499)).toEqual([revoked]);
      expect(await enrolment.denied(500)).toEqual([]);
      expect(await enrolment.removeEnded(100, 10)).toBe(1);
      expect(await enrolment.removeEnded(2_000, 1)).toBe(1);
      const again = await reopen();
      await again.boot();
      const rows = enrolmentOf(again);
      expect(await rows.list("key", "", 10)).toEqual([]);
      expect((await rows.list("worker", "", 10)).length).toBe(2);
      expect(await rows.removeEnded(10_000, 10)).toBe(2);
      expect(await rows.removeEnded(10_000, 10)).toBe(0);
    }));
}
