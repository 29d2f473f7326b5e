import { z } from "zod";
import { Fault } from "#domain/fault";
import { beginOfDay, dayOf } from "#domain/namespace-limits";
import { addUsage, NO_USAGE, type Usage } from "#domain/task/usage";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { UsageSum } from "#ports/usage-sums";
import { ofNamespace } from "../dead-letters/fields.js";
import { pageToken } from "../fields.js";
import { readsOf, useCase } from "../use-case.js";
import { atMost, freeText, LATEST_MS, oneOf, optionalName, wholeNumber } from "../validate.js";
import { fromUsageToken, toUsageToken, type UsagePlace } from "./page-token.js";

/** What sums can be told apart by. */
export const usageKeys = ["day", "namespace", "agent", "model"] as const;
export type UsageKeyName = (typeof usageKeys)[number];

/** What was used in one group; what it is not told apart by is empty, and the day 0. */
export interface UsageGroup extends UsagePlace {
  readonly used: Usage;
}

export interface UsagePage {
  readonly sums: readonly UsageGroup[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /** Of all groups; only on the first page. */
  readonly total?: Usage;
}

const anInstant = (way: string) => wholeNumber(LATEST_MS, `Unix milliseconds, where 0 means ${way}`);

const input = z.object({
  namespace: optionalName,
  agentName: freeText(limits.idBytes),
  model: freeText(limits.journalNameBytes),
  fromMs: anInstant(`${limits.usageDaysShown} days`),
  untilMs: anInstant("now"),
  groupBy: atMost(usageKeys.length, oneOf(usageKeys)),
  pageSize: z
    .number()
    .transform((size) => (size <= 0 || size > limits.usagePageMost ? limits.usagePage : size)),
  pageToken: pageToken(fromUsageToken),
});

/** GetUsage: what was used, by day, namespace, agent and model or by fewer of these, the newest day first. */
export const getUsage = useCase({
  action: "usage.read",
  input,
  answerBytes: limits.pageBytes,
  find: ofNamespace,
  perform: async (asked, request, { resource: { namespaces } }): Promise<UsagePage> => {
    const { agentName, model, groupBy, pageSize, pageToken: after } = asked;
    const filter = {
      namespaces,
      ...(agentName !== "" && { agentName }),
      ...(model !== "" && { model }),
      ...daysOf(asked, request.services.plane.now()),
    };
    const found = await readsOf(request).usage(filter, limits.usageSumsRead + 1);
    if (found.length > limits.usageSumsRead) throw tooMany();
    const groups = grouped(found, groupBy.length === 0 ? usageKeys : groupBy);
    const left = after ? groups.filter((group) => inOrder(after, group) < 0) : groups;
    const sums = left.slice(0, pageSize);
    const last = left.length > sums.length ? sums.at(-1) : undefined;
    return {
      sums,
      nextPageToken: last ? toUsageToken(last) : "",
      ...(!after && { total: totalOf(found) }),
    };
  },
  hidden: (): UsagePage => ({ sums: [], nextPageToken: "", total: NO_USAGE }),
});

/** @throws {Fault} `invalid` if there is no day between the two */
function daysOf({ fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number }, now: Instant) {
  const until = untilMs === 0 ? dayOf(now) + 1 : dayOf(untilMs);
  const from = fromMs === 0 ? until - limits.usageDaysShown : dayOf(fromMs);
  if (from < until) return { from, until };
  const way = "send an instant of a later day, or leave one out";
  throw new Fault(
    "invalid",
    `until_ms: the day of ${untilMs || now} is not behind that of from_ms, ${fromMs}: ${way}.`,
    {
      field: "until_ms",
    },
  );
}

function grouped(sums: readonly UsageSum[], by: readonly UsageKeyName[]): readonly UsageGroup[] {
  const [byDay, byNamespace, byAgent, byModel] = usageKeys.map((key) => by.includes(key));
  const groups = new Map<string, UsageGroup>();
  for (const { day, namespace, agentName, model, used } of sums) {
    const place = {
      dayMs: byDay ? instant(beginOfDay(day)) : instant(0),
      namespace: byNamespace ? namespace : "",
      agentName: byAgent ? agentName : "",
      model: byModel ? model : "",
    };
    const key = toUsageToken(place);
    groups.set(key, { ...place, used: addUsage(groups.get(key)?.used ?? NO_USAGE, used) });
  }
  return [...groups.values()].sort(inOrder);
}

function inOrder(a: UsagePlace, b: UsagePlace): number {
  return (
    b.dayMs - a.dayMs ||
    compare(a.namespace, b.namespace) ||
    compare(a.agentName, b.agentName) ||
    compare(a.model, b.model)
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function totalOf(sums: readonly UsageSum[]): Usage {
  return sums.reduce((total, { used }) => addUsage(total, used), NO_USAGE);
}

function tooMany(): Fault {
  const most = limits.usageSumsRead;
  const message = `from_ms: more than ${most} sums fit; ask for fewer days, or for one namespace, agent or model.`;
  return new Fault("invalid", message, { field: "from_ms", reason: "TOO_MANY_SUMS" });
}
