import { NO_USAGE, type Usage } from "#domain/task/usage";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import { OTHER, type UsageFilter, type UsageSum } from "#ports/usage-sums";
import { commit, task, taskId } from "../rows.js";
import { nowAndAfterRestart, type Suite } from "./kit.js";

const DAY = 20_000;
const EVER: UsageFilter = { namespaces: "*", from: 0, until: 1_000_000 };

function used(tokens: number, part: Partial<UsageSum> = {}): UsageSum {
  const counts: Usage = { ...NO_USAGE, inputTokens: tokens, usdMicros: 2 * tokens, reports: 1 };
  return { day: DAY, namespace: "a", agentName: "triage", model: "m", used: counts, ...part };
}

/** By namespace, day, agent and model, what was read. */
const told = (sums: readonly UsageSum[]) =>
  sums.map(({ namespace, day, agentName, model, used: { inputTokens } }) => [
    ...[namespace, day, agentName, model],
    inputTokens,
  ]);

const add = (store: Store, ...all: readonly UsageSum[]) => store.commit(commit({ used: all }));

/** What agents have used of models, by namespace, day, agent and model. */
export function usageSumTests({ test, expect, use }: Suite): void {
  test("what is used adds up by namespace, day, agent and model, and outlasts a restart", () =>
    use(async (store, reopen) => {
      const odd = { namespace: 'n"\n', agentName: "größe", model: "" };
      await add(store, used(1), used(2, { model: "n" }), used(4, odd));
      await add(store, used(8), used(16, { day: DAY + 1 }), used(32, { agentName: "b" }));
      await nowAndAfterRestart(store, reopen, async (now) => {
        expect(told(await now.reads.usage(EVER, 100))).toEqual([
          ["a", DAY, "b", "m", 32],
          ["a", DAY, "triage", "m", 9],
          ["a", DAY, "triage", "n", 2],
          ["a", DAY + 1, "triage", "m", 16],
          ['n"\n', DAY, "größe", "", 4],
        ]);
        const [, sum] = await now.reads.usage(EVER, 2);
        expect(sum?.used).toEqual({ ...NO_USAGE, inputTokens: 9, usdMicros: 18, reports: 2 });
      });
    }));

  test("sums are read by namespace, days, agent and model, and no more than are asked for", () =>
    use(async (store) => {
      const days = [DAY - 1, DAY, DAY + 1].map((day, i) => used(10 ** i, { day }));
      await add(store, ...days, used(5, { namespace: "b" }), used(6, { agentName: "x", model: "y" }));
      const read = async (filter: Partial<UsageFilter>, most = 100) =>
        (await store.reads.usage({ ...EVER, ...filter }, most)).map((sum) => sum.used.inputTokens);
      expect(await read({ from: DAY, until: DAY + 1 })).toEqual([10, 6, 5]);
      expect(await read({ namespaces: ["b", "none", "b"] })).toEqual([5]);
      expect(await read({ namespaces: [] })).toEqual([]);
      expect(await read({ agentName: "triage", namespaces: ["a"] })).toEqual([1, 10, 100]);
      expect(await read({ model: "y" })).toEqual([6]);
      expect(await read({}, 3)).toEqual([1, 10, 6]);
      const within = store.reads.within?.(["b"]) ?? store.reads;
      if (store.reads.within) expect((await within.usage(EVER, 100)).length).toBe(1);
    }));

  test("sums are written with the rows of their commit, or not at all", () =>
    use(async (store) => {
      await store.commit(commit({ tasks: [task(taskId(1))], used: [used(1)] }));
      const again = commit({ tasks: [task(taskId(1))], used: [used(2)] });
      await expect(store.commit(again)).rejects.toMatchObject({ code: "conflict" });
      expect(told(await store.reads.usage(EVER, 100))).toEqual([["a", DAY, "triage", "m", 1]]);
    }));
}

/** How much is kept of it. */
export function usageBoundTests({ test, expect, use }: Suite): void {
  test("numbers stay those that are counted exactly", () =>
    use(async (store) => {
      await add(
        store,
        used(Number.MAX_SAFE_INTEGER - 1, {
          used: { ...NO_USAGE, inputTokens: Number.MAX_SAFE_INTEGER - 1 },
        }),
      );
      await add(store, used(5));
      const [sum] = await store.reads.usage(EVER, 1);
      expect(sum?.used.inputTokens).toBe(Number.MAX_SAFE_INTEGER);
    }));

  test("names beyond what is kept of a namespace and day are counted as others, and old days go", () =>
    use(async (store) => {
      const many = limits.usageSumsPerDay;
      await add(
        store,
        used(7, { day: DAY - limits.usageDays }),
        used(7, { day: DAY - limits.usageDays, namespace: "b" }),
      );
      await add(store, used(7, { day: DAY - limits.usageDays + 1 }));
      await add(store, ...Array.from({ length: many }, (_, i) => used(1, { model: `m${i}` })));
      await add(store, used(3, { model: "one more" }), used(4, { model: "m1" }), used(5, { agentName: "z" }));
      await add(store, used(9, { namespace: "b" }));

      const today = await store.reads.usage({ ...EVER, from: DAY, namespaces: ["a"] }, many + 10);
      expect(today.length).toBe(many + 1);
      const named = new Map(today.map((sum) => [`${sum.agentName} ${sum.model}`, sum.used.inputTokens]));
      expect([named.get(`${OTHER} ${OTHER}`), named.get("triage m1"), named.get("triage m0")]).toEqual([
        8, 5, 1,
      ]);
      expect(told(await store.reads.usage({ ...EVER, until: DAY }, 10))).toEqual([
        ["a", DAY - limits.usageDays + 1, "triage", "m", 7],
      ]);
    }));
}
