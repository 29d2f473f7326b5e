import { expect, test } from "vitest";
import { getUsage, type UsageKeyName } from "#api/usage/get-usage";
import { run } from "#api/use-case";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { NO_USAGE } from "#domain/task/usage";
import { limits } from "#limits/index";
import type { Plane } from "#ports/plane";
import type { UsageSum } from "#ports/usage-sums";
import { memoryStore } from "#stores/memory/index";
import { commit } from "#testing/rows";
import { FakePlane } from "../gateway/kit/fake-plane.js";
import { requestOf, servicesFor } from "./services.js";

const DAY = 86_400_000;
const TODAY = Math.floor(new FakePlane().now() / DAY);

function used(inputTokens: number, part: Partial<UsageSum> = {}): UsageSum {
  const counts = { ...NO_USAGE, inputTokens, reports: 1 };
  return { day: TODAY, namespace: "a", agentName: "x", model: "m", used: counts, ...part };
}

async function asker(sums: readonly UsageSum[], caller: Caller = LOCAL_CALLER) {
  const store = memoryStore();
  await store.commit(commit({ used: sums }));
  const plane = new FakePlane();
  const services = servicesFor({ now: () => plane.now(), reads: store.reads } as unknown as Plane);
  const nothing = { namespace: "", agentName: "", model: "", fromMs: 0, untilMs: 0 };
  return (part: object = {}) =>
    run(
      getUsage,
      { ...nothing, groupBy: [], pageSize: 0, pageToken: "", ...part },
      requestOf(services, caller),
    );
}

const several = [
  used(1),
  used(2, { model: "n" }),
  used(4, { agentName: "y" }),
  used(8, { namespace: "b" }),
  used(16, { day: TODAY - 1 }),
  used(32, { day: TODAY - limits.usageDaysShown }),
];

test("sums are told apart by what is asked for, the newest day first, with a total of all", async () => {
  const ask = await asker(several);
  const told = async (groupBy: readonly UsageKeyName[]) =>
    (await ask({ groupBy })).sums.map(({ dayMs, namespace, agentName, model, used: { inputTokens } }) =>
      [dayMs === 0 ? "" : TODAY - dayMs / DAY, namespace, agentName, model, inputTokens].join(" "),
    );
  expect(await told([])).toEqual(["0 a x m 1", "0 a x n 2", "0 a y m 4", "0 b x m 8", "1 a x m 16"]);
  expect(await told(["day"])).toEqual(["0    15", "1    16"]);
  expect(await told(["model", "namespace"])).toEqual([" a  m 21", " a  n 2", " b  m 8"]);
  expect(await told(["agent", "agent"])).toEqual(["  x  27", "  y  4"]);
  expect((await ask({ groupBy: ["model"] })).total?.inputTokens).toBe(31);
});

test("what is asked for is narrowed by namespace, agent, model and days", async () => {
  const ask = await asker(several);
  const total = async (part: object) => (await ask(part)).total?.inputTokens;
  expect(await total({ namespace: "b" })).toBe(8);
  expect(await total({ agentName: "y" })).toBe(4);
  expect(await total({ model: "n" })).toBe(2);
  expect(await total({ fromMs: TODAY * DAY + 5 })).toBe(15);
  expect(await total({ untilMs: TODAY * DAY + 5 })).toBe(48);
  expect(await total({ fromMs: 1, untilMs: 2 * DAY })).toBe(0);
});

test("pages go on where the one before has ended, and only the first has the total", async () => {
  const ask = await asker(several);
  const seen: string[] = [];
  const totals: unknown[] = [];
  let pageToken = "";
  do {
    const page = await ask({ pageSize: 2, pageToken });
    seen.push(
      ...page.sums.map(
        ({ dayMs, namespace, agentName, model }) => `${dayMs} ${namespace} ${agentName} ${model}`,
      ),
    );
    totals.push(page.total?.reports);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect([seen.length, new Set(seen).size, totals]).toEqual([5, 5, [5, undefined, undefined]]);
});

test("a caller sees what was used in its own namespaces, and nothing of another one", async () => {
  const ask = await asker(several, { principal: "jwt:b", namespaces: ["b"], roles: ["viewer"] });
  expect((await ask()).total?.inputTokens).toBe(8);
  const foreign = await ask({ namespace: "a" });
  expect([foreign.sums, foreign.total]).toEqual([[], NO_USAGE]);
});

test("what makes no sense is refused by the name of its field, with the way out", async () => {
  const ask = await asker(several);
  const problem = (part: object) => ask(part).then(String, (error: Error) => error.message);
  expect(await problem({ groupBy: ["week"] })).toBe(
    'group_by[0] is "week"; it is one of day, namespace, agent, model.',
  );
  expect(await problem({ fromMs: 3 * DAY, untilMs: 3 * DAY + 1 })).toContain("until_ms");
  expect(await problem({ pageToken: "x" })).toContain("page_token");
  expect(await problem({ fromMs: -1 })).toContain("from_ms");
});

test("more sums than one request looks at are refused, and narrowing helps", async () => {
  const days = Math.ceil((limits.usageSumsRead + 1) / limits.usageSumsPerDay);
  const many = Array.from({ length: limits.usageSumsRead + 1 }, (_, i) =>
    used(1, { day: TODAY - (i % days), model: `m${Math.floor(i / days)}` }),
  );
  const ask = await asker(many);
  await expect(ask()).rejects.toMatchObject({ code: "invalid", reason: "TOO_MANY_SUMS" });
  expect((await ask({ fromMs: TODAY * DAY, groupBy: ["day"] })).sums).toHaveLength(1);
});
