import type { KeyRow } from "#domain/access/key";
import { instant } from "#domain/time/time";
import type { CredentialStore } from "#ports/credentials";
import type { Store } from "#ports/store";
import type { Suite } from "./kit.js";

/** API keys; of a store that keeps them. */
export function credentialTests({ test, expect, use }: Suite): void {
  test("a key is written only over the revision before it, and is there after a restart as it was written", () =>
    use(async (store, reopen) => {
      const { credentials } = store;
      if (!credentials) return;
      const first = keyRow("a", { namespaces: ["n", "größe"], name: '"\u0000\ud800' });
      const every = keyRow("b", { namespaces: "*", role: "admin" });
      expect(await credentials.putKeys([first, every])).toBe(true);
      expect(await credentials.putKeys([{ ...first, name: "again" }])).toBe(false);
      expect(await credentials.putKeys([{ ...first, name: "third", revision: 3 }])).toBe(false);
      expect(await credentials.putKeys([keyRow("c", { revision: 2 })])).toBe(false);
      const second = { ...first, name: "second", revision: 2, revokedAt: 9 };
      expect(await credentials.putKeys([second])).toBe(true);
      expect(await keysOf(store)).toEqual([second, every]);
      const again = await reopen();
      await again.boot();
      expect(await keysOf(again)).toEqual([second, every]);
    }));

  test("of several keys all are written, or none of them", () =>
    use(async (store) => {
      const { credentials } = store;
      if (!credentials) return;
      await credentials.putKeys([keyRow("a")]);
      expect(await credentials.putKeys([keyRow("b"), keyRow("a", { revision: 3 })])).toBe(false);
      expect(await keysOf(store)).toEqual([keyRow("a")]);
      expect(await credentials.putKeys([keyRow("b"), keyRow("a", { revision: 2 })])).toBe(true);
      expect(await keysOf(store)).toEqual([keyRow("a", { revision: 2 }), keyRow("b")]);
    }));
}

/** When keys were used, when they ended, and how others hear of it. */
export function keyLifeTests({ test, expect, use }: Suite): void {
  test("the last use moves neither the revision nor the version, and never goes back", () =>
    use(async (store) => {
      const { credentials } = store;
      if (!credentials) return;
      await credentials.putKeys([keyRow("a"), keyRow("b")]);
      const version = await credentials.version();
      const uses = (at: number) =>
        new Map([
          ["a", instant(at)],
          ["unknown", instant(at)],
        ]);
      await credentials.noteUses(uses(70));
      await credentials.noteUses(uses(60));
      await credentials.noteUses(new Map());
      expect(await keysOf(store)).toEqual([keyRow("a", { lastUsedAt: 70 }), keyRow("b")]);
      expect(await credentials.version()).toBe(version);
      // Whoever changes it may not know of its last use.
      await credentials.putKeys([keyRow("a", { revision: 2 })]);
      expect(await keysOf(store)).toMatchObject([{ lastUsedAt: 70, revision: 2 }, {}]);
    }));

  test("keys are removed that ended before an instant, at most as many as are wanted", () =>
    use(async (store, reopen) => {
      const { credentials } = store;
      if (!credentials) return;
      await credentials.putKeys([
        keyRow("expired", { expiresAt: instant(99) }),
        keyRow("live", { expiresAt: instant(100) }),
        keyRow("revoked", { revokedAt: 98 }),
        keyRow("revoked later", { revokedAt: 100 }),
      ]);
      expect(await credentials.removeEnded(instant(100), 1)).toBe(1);
      expect((await keysOf(store)).length).toBe(3);
      expect(await credentials.removeEnded(instant(100), 10)).toBe(1);
      expect(await credentials.removeEnded(instant(100), 10)).toBe(0);
      const again = await reopen();
      await again.boot();
      expect((await keysOf(again)).map(({ id }) => id)).toEqual(["live", "revoked later"]);
    }));

  test("the version is another one after each change, and the same while there is none", () =>
    use(async (store) => {
      const { credentials } = store;
      if (!credentials) return;
      const seen = [await credentials.version()];
      const changes: readonly ((keys: CredentialStore) => Promise<unknown>)[] = [
        (keys) => keys.putKeys([keyRow("a")]),
        (keys) => keys.putKeys([keyRow("a", { revision: 2, revokedAt: 5 })]),
        (keys) => keys.removeEnded(instant(6), 10),
      ];
      for (const change of changes) {
        await change(credentials);
        seen.push(await credentials.version());
        await credentials.putKeys([keyRow("a", { revision: 7 })]);
        await credentials.removeEnded(instant(1), 10);
        expect(await credentials.version()).toBe(seen.at(-1));
      }
      expect(new Set(seen).size).toBe(4);
    }));

  test("the secret stays what it was", () =>
    use(async ({ credentials }) => {
      if (!credentials) return;
      const secret = await credentials.sharedSecret("one");
      expect(await credentials.sharedSecret("another")).toBe(secret);
    }));
}

async function keysOf(store: Store): Promise<readonly KeyRow[]> {
  return (await store.credentials?.keys()) ?? [];
}

/** A key that lasts for ever and was never used. */
export function keyRow(id: string, part: Partial<KeyRow> = {}): KeyRow {
  return {
    ...{ id, revision: 1, name: "ci", role: "operator", namespaces: ["n"], hash: "0".repeat(64) },
    ...{ createdAt: instant(1), createdBy: "local", expiresAt: instant(4_000_000_000_000) },
    ...{ revokedAt: 0, lastUsedAt: 0 },
    ...part,
  };
}
