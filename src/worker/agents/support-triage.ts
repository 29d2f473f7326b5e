import { z } from "zod";
import { limits } from "#limits/index";
import { type Agent, agent } from "../agent/agent.js";
import {
  basePriority,
  type Category,
  categories,
  type Priority,
  pressures,
  priorities,
  rules,
  teams,
} from "./triage-rules.js";

/** Plans that raise a ticket's priority. */
const premiumPlans = new Set(["enterprise", "premium", "business"]);
/** How much more a word counts in the subject. */
const SUBJECT_FACTOR = 2;

const customer = z.union([
  z.string(),
  z.looseObject({ name: z.string().optional(), plan: z.string().optional() }),
]);

const ticket = z
  .looseObject({
    id: z.union([z.string(), z.number()]).optional(),
    query: z.string().optional(),
    subject: z.string().optional(),
    body: z.string().optional(),
    customer: customer.optional(),
  })
  .refine(({ query, subject, body }) => [query, subject, body].some((text) => text?.trim()), {
    message: 'give a "query", or a "subject" or a "body"',
  });
type Ticket = z.output<typeof ticket>;

/** The agent's result. */
export interface Triage {
  readonly id?: string | number;
  readonly category: Category;
  readonly priority: Priority;
  readonly team: string;
  /** Share of the matched weight that belongs to the category, 0 to 1. */
  readonly confidence: number;
  readonly reasons: readonly string[];
}

/**
 * The agent `support_triage`: sorts a support ticket into a category, priority and team by weighted keywords, and gives
 * its reasons. Deterministic.
 *
 * @example
 * ```ts
 * import { serve, supportTriage } from "taskrun/worker";
 *
 * await serve({ agents: [supportTriage] });
 * ```
 */
export const supportTriage: Agent = agent({
  name: "support_triage",
  description: "Sorts a support ticket into category, priority and team, with reasons",
  backends: [
    { provider: "builtin", modelName: "support_triage", supportsStreaming: true, modalities: ["text"] },
  ],
  input: ticket,
  async *run(input): AsyncGenerator<string, Triage, undefined> {
    const reasons: string[] = [];
    const say = (reason: string): string => {
      reasons.push(reason);
      return `- ${reason}\n`;
    };

    yield `Ticket: ${titleOf(input)}\n`;
    const evidence = weigh(input);
    for (const { category, word, weight } of evidence)
      yield say(`"${word}" speaks for ${category} (+${weight})`);
    const { category, confidence } = verdict(evidence);
    if (evidence.length === 0) yield say("no word of it speaks for any category");

    let rank = priorities.indexOf(basePriority[category]);
    yield say(`${category} tickets begin at ${basePriority[category]}`);
    for (const { why, steps } of pressuresOn(input)) {
      rank = Math.min(priorities.length - 1, Math.max(0, rank - steps));
      yield say(`${why}: ${steps > 0 ? "up" : "down"} to ${priorities[rank]}`);
    }

    const priority = priorities[rank] ?? basePriority[category];
    const team = teams[category];
    yield `Verdict: ${category}, ${priority} priority, for ${team}\n`;
    return {
      ...(input.id === undefined ? {} : { id: input.id }),
      category,
      priority,
      team,
      confidence,
      reasons,
    };
  },
});

interface Evidence {
  readonly category: Category;
  readonly word: string;
  readonly weight: number;
}

/** Returns every matching word once per rule, by decreasing weight. */
function weigh(input: Ticket): Evidence[] {
  const subject = normal(input.subject ?? input.query ?? "");
  const text = normal([input.subject, input.query, input.body].join("\n"));
  const found = rules.flatMap(({ category, pattern, weight }) => {
    const words = new Set([...text.matchAll(pattern)].map(([word]) => word));
    return [...words].map((word) => {
      return { category, word, weight: subject.includes(word) ? weight * SUBJECT_FACTOR : weight };
    });
  });
  return found.sort((a, b) => b.weight - a.weight);
}

/** Returns the category with the largest weight; of equal ones the first in `categories`, which is the more serious. */
function verdict(evidence: readonly Evidence[]): { category: Category; confidence: number } {
  let category: Category = "general";
  let most = 0;
  let all = 0;
  for (const candidate of categories) {
    const own = evidence.filter((one) => one.category === candidate);
    const weight = own.reduce((sum, one) => sum + one.weight, 0);
    all += weight;
    if (weight <= most) continue;
    category = candidate;
    most = weight;
  }
  return { category, confidence: all === 0 ? 0 : Math.round((100 * most) / all) / 100 };
}

function pressuresOn(input: Ticket): { readonly why: string; readonly steps: number }[] {
  const text = normal([input.subject, input.query, input.body].join("\n"));
  const found: { readonly why: string; readonly steps: number }[] = pressures.filter(({ pattern }) =>
    pattern.test(text),
  );
  const plan = typeof input.customer === "object" ? (input.customer.plan ?? "") : "";
  return premiumPlans.has(plan.toLowerCase()) ? [...found, { why: `${plan} customer`, steps: 1 }] : found;
}

function titleOf({ id, subject, query, body }: Ticket): string {
  const title = (subject || query || body || "").trim().split("\n")[0] ?? "";
  const short = title.length > 80 ? `${title.slice(0, 79)}…` : title;
  return id === undefined ? short : `[${id}] ${short}`;
}

function normal(text: string): string {
  return text.slice(0, limits.ticketChars).toLowerCase().replaceAll("’", "'");
}
