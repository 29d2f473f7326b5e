import { instant } from "#domain/time/time";
import type { CredentialStore } from "#ports/credentials";
import type { Store } from "#ports/store";
import { keyRow } from "../credentials.js";
import type { SharedSuite } from "./kit.js";

/** API keys that several processes change. */
export function sharedCredentialTests({ test, expect, two }: SharedSuite): void {
  test("what one process writes of keys the other one reads, and its version tells that there is something to read", () =>
    two(async (processes) => {
      const [a, b] = [credentialsOf(processes.a), credentialsOf(processes.b)];
      const before = await b.version();
      await a.putKeys([keyRow("a")]);
      expect((await b.version()) !== before).toBe(true);
      expect(await b.keys()).toEqual([keyRow("a")]);
      await b.putKeys([keyRow("a", { revision: 2, revokedAt: 5 })]);
      expect(await a.keys()).toMatchObject([{ revokedAt: 5 }]);
      expect(await a.version()).toBe(await b.version());
      await b.removeEnded(instant(6), 1);
      expect(await a.keys()).toEqual([]);
    }));

  test("of two processes that change one key at the same time one is refused", () =>
    two(async (processes) => {
      const [a, b] = [credentialsOf(processes.a), credentialsOf(processes.b)];
      await a.putKeys([keyRow("a")]);
      for (let revision = 2; revision < 12; revision++) {
        const change = (by: CredentialStore, name: string) => by.putKeys([keyRow("a", { revision, name })]);
        const written = await Promise.all([change(a, "of a"), change(b, "of b")]);
        expect(written.filter((each) => each).length).toBe(1);
        expect(await a.keys()).toMatchObject([{ revision, name: written[0] ? "of a" : "of b" }]);
      }
    }));

  test("both note uses of the same keys, and the later one of each is kept", () =>
    two(async (processes) => {
      const [a, b] = [credentialsOf(processes.a), credentialsOf(processes.b)];
      const ids = ["a", "b", "c", "d"];
      await a.putKeys(ids.map((id) => keyRow(id)));
      const uses = (order: readonly string[], at: number) => new Map(order.map((id) => [id, instant(at)]));
      for (let at = 10; at < 30; at += 2) {
        await Promise.all([a.noteUses(uses(ids, at)), b.noteUses(uses(ids.toReversed(), at + 1))]);
      }
      expect((await a.keys()).map(({ lastUsedAt }) => lastUsedAt)).toEqual([29, 29, 29, 29]);
    }));

  test("all processes have one secret, whoever drew it", () =>
    two(async (processes) => {
      const [a, b] = [credentialsOf(processes.a), credentialsOf(processes.b)];
      const [ofA, ofB] = await Promise.all([a.sharedSecret("drawn by a"), b.sharedSecret("drawn by b")]);
      expect(ofA).toBe(ofB);
    }));
}

function credentialsOf({ credentials }: Store): CredentialStore {
  if (!credentials) throw new Error("a store that several processes write has `credentials`");
  return credentials;
}
