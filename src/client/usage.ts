import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { Usage as WireUsage } from "#wire/gen/taskrun/v1/task_service_pb";
import {
  GetUsageRequestSchema,
  UsageService,
  type UsageSum as WireSum,
} from "#wire/gen/taskrun/v1/usage_service_pb";
import type { CallControl, Caller } from "./call.js";
import { namesOf } from "./option-names.js";
import { instantOf, optionsOf, requestOf } from "./request.js";

/**
 * What agents have used of models.
 *
 * @example
 * ```ts
 * import { createClient, type Usage } from "taskrun/client";
 *
 * const { usage } = await createClient().tasks.get("TASK_ID");
 * const dollars = ({ usdMicros }: Usage): string => (usdMicros / 1e6).toFixed(2);
 * if (usage) console.log(`${usage.inputTokens + usage.outputTokens} tokens, ${dollars(usage)} $`);
 * ```
 */
export interface Usage {
  /** Tokens that models read, those from a cache included, and that they wrote. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the input tokens those that came from a cache. */
  readonly cachedTokens: number;
  readonly toolCalls: number;
  /** What it cost, in millionths of a US dollar, as far as that is known. */
  readonly usdMicros: number;
  /** Tokens of which it is not known what they cost. */
  readonly unpricedTokens: number;
  /** How often something was reported. */
  readonly reports: number;
  /** How long Runs were held, where a budget bounds it. */
  readonly wallMs: number;
  /** Of the reports those that came after the Task that made them had ended; absent if there are none. */
  readonly late?: Usage;
}

/**
 * What {@link UsageClient.get} tells sums apart by.
 *
 * @example
 * ```ts
 * import { createClient, type UsageKey } from "taskrun/client";
 *
 * const by: readonly UsageKey[] = ["day", "model"];
 * const { total } = await createClient().usage.get({ by });
 * ```
 */
export type UsageKey = "day" | "namespace" | "agent" | "model";

/**
 * Which usage to tell of.
 *
 * @example
 * ```ts
 * import { createClient, type UsageQuery } from "taskrun/client";
 *
 * const query: UsageQuery = { by: ["model"], fromMs: Date.now() - 7 * 86_400_000 };
 * for (const { model, usage } of (await createClient().usage.get(query)).sums) console.log(model, usage.usdMicros);
 * ```
 */
export interface UsageQuery {
  /** Default: the client's; without one all that the caller may use. */
  readonly namespace?: string;
  readonly agent?: string;
  readonly model?: string;
  /** Only of the day of this instant and later, in Unix milliseconds; days begin at midnight, UTC. Default: 30 days. */
  readonly fromMs?: number;
  /** Only of days before that of this instant. Default: up to now. */
  readonly untilMs?: number;
  /** What sums are told apart by. Default: all four. */
  readonly by?: readonly UsageKey[];
}

/**
 * What was used in one group; what it is not told apart by is empty.
 *
 * @example
 * ```ts
 * import { createClient, type UsageSum } from "taskrun/client";
 *
 * const { sums } = await createClient().usage.get();
 * const dayOf = ({ dayMs }: UsageSum): string => new Date(dayMs).toISOString().slice(0, 10);
 * for (const sum of sums) console.log(dayOf(sum), sum.agent, sum.model, sum.usage.usdMicros);
 * ```
 */
export interface UsageSum {
  /** When its day begins, in Unix milliseconds. */
  readonly dayMs: number;
  readonly namespace: string;
  readonly agent: string;
  readonly model: string;
  readonly usage: Usage;
}

/**
 * All that {@link UsageClient.get} answers.
 *
 * @example
 * ```ts
 * import { createClient, type UsageTotals } from "taskrun/client";
 *
 * const { total, sums }: UsageTotals = await createClient().usage.get({ by: ["agent"] });
 * console.log(`${sums.length} agents, ${total.usdMicros / 1e6} $`);
 * ```
 */
export interface UsageTotals {
  /** The newest day first. */
  readonly sums: readonly UsageSum[];
  readonly total: Usage;
}

const queryNames = namesOf<UsageQuery>({
  namespace: true,
  agent: true,
  model: true,
  fromMs: true,
  untilMs: true,
  by: true,
});

/**
 * What agents have used of models. Reached as `client.usage`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { total } = await createClient().usage.get({ agent: "research" });
 * console.log(`${total.usdMicros / 1e6} $ in 30 days`);
 * ```
 */
export class UsageClient {
  readonly #wire: Client<typeof UsageService>;
  readonly #caller: Caller;
  readonly #namespace: string;

  constructor(transport: Transport, caller: Caller, namespace: string) {
    this.#wire = createClient(UsageService, transport);
    this.#caller = caller;
    this.#namespace = namespace;
  }

  /** Returns what was used, page after page. Sums stay when their Tasks are removed. */
  async get(query: UsageQuery = {}, control?: CallControl): Promise<UsageTotals> {
    const {
      namespace = this.#namespace,
      agent = "",
      model = "",
      fromMs,
      untilMs,
      by = [],
    } = optionsOf(query, "query", queryNames);
    const asked = {
      ...{ namespace, agentName: agent, model, groupBy: [...by] },
      ...{ fromMs: instantOf(fromMs, "from_ms"), untilMs: instantOf(untilMs, "until_ms") },
    };
    const sums: UsageSum[] = [];
    let total: Usage | undefined;
    for (let pageToken = ""; ; ) {
      const request = requestOf(GetUsageRequestSchema, { ...asked, pageToken });
      const page = await this.#caller.once((options) => this.#wire.getUsage(request, options), control);
      total ??= toUsage(page.total);
      sums.push(...page.sums.map(toSum));
      if (page.nextPageToken === "") return { sums, total: total ?? NOTHING };
      pageToken = page.nextPageToken;
    }
  }
}

const NOTHING: Usage = {
  ...{ inputTokens: 0, outputTokens: 0, cachedTokens: 0, toolCalls: 0 },
  ...{ usdMicros: 0, unpricedTokens: 0, reports: 0, wallMs: 0 },
};

function toSum({ dayMs, namespace, agentName, model, usage }: WireSum): UsageSum {
  return { dayMs: Number(dayMs), namespace, agent: agentName, model, usage: toUsage(usage) ?? NOTHING };
}

export function toUsage(usage: WireUsage | undefined): Usage | undefined {
  if (!usage) return undefined;
  const late = toUsage(usage.late);
  return {
    inputTokens: Number(usage.inputTokens),
    outputTokens: Number(usage.outputTokens),
    cachedTokens: Number(usage.cachedTokens),
    toolCalls: Number(usage.toolCalls),
    usdMicros: Number(usage.usdMicros),
    unpricedTokens: Number(usage.unpricedTokens),
    reports: Number(usage.reports),
    wallMs: Number(usage.wallMs),
    ...(late && { late }),
  };
}
