import type { Store } from "#ports/store";
import type { UsageStore } from "#ports/usage";
import { nowAndAfterRestart, type Suite } from "./kit.js";

const DAY = 20_000;

function usageOf({ usage }: Store): UsageStore {
  if (!usage) throw new Error("the store keeps no usage");
  return usage;
}

const counted = (writer: string, bytes: Readonly<Record<string, number>>, day = DAY) => ({
  ...{ writer, day, bytes: new Map(Object.entries(bytes)) },
});

const sums = async (store: Store, day = DAY) =>
  Object.fromEntries(await usageOf(store).putOutput(counted("a look", {}, day)));

/** What processes have counted of output. */
export function usageTests({ test, expect, use }: Suite): void {
  test("what several processes have counted of a day adds up, and outlasts them", () =>
    use(async (store, reopen) => {
      const usage = usageOf(store);
      expect([...(await usage.putOutput(counted("p1", { a: 10, b: 1 })))]).toEqual([
        ["a", 10],
        ["b", 1],
      ]);
      expect(Object.fromEntries(await usage.putOutput(counted("p2", { a: 5 })))).toEqual({ a: 15, b: 1 });
      expect(Object.fromEntries(await usage.putOutput(counted("p1", { a: 30 })))).toEqual({ a: 35, b: 1 });
      await nowAndAfterRestart(store, reopen, async (now) =>
        expect(await sums(now)).toEqual({ a: 35, b: 1 }),
      );
    }));

  test("the same once more, or less than is there, changes nothing", () =>
    use(async (store) => {
      const usage = usageOf(store);
      await usage.putOutput(counted("p1", { a: 10, "odd\n'\"ü": 7 }));
      await usage.putOutput(counted("p1", { a: 10, "odd\n'\"ü": 7 }));
      expect(Object.fromEntries(await usage.putOutput(counted("p1", { a: 4 })))).toEqual({
        ...{ a: 10, "odd\n'\"ü": 7 },
      });
    }));

  test("a day is its own, and those before yesterday are forgotten", () =>
    use(async (store) => {
      const usage = usageOf(store);
      await usage.putOutput(counted("p1", { a: 1 }, DAY - 2));
      await usage.putOutput(counted("p1", { a: 2 }, DAY - 1));
      await usage.putOutput(counted("p1", { a: 4 }));
      expect([await sums(store, DAY - 1), await sums(store)]).toEqual([{ a: 2 }, { a: 4 }]);
      expect(await sums(store, DAY - 2)).toEqual({});
    }));
}
