import type { StepExplanation, TaskExplanation } from "#client/index";
import { dateText } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";

/** What keeps workers from a step although they run its agent: how many of them. */
const refusals: Readonly<Record<string, string>> = {
  NAMESPACE: "do not work for its namespace",
  LABELS: "lack a label that it needs",
  GONE: "have lost their connection",
  DRAINING: "are draining",
  FAILING: "report an error",
  AVOIDED: "have just given it back",
  SLOTS: "are busy",
  AGENT_SLOTS: "run as many of it as they may",
  UNREAD: "do not read what they are sent",
};

/** What a step waits for, in a sentence. */
export function sentence(step: StepExplanation, agent: string, io: Pick<Io, "self">): string {
  const text = step.cause === "WORKER" ? forWorker(step, agent, io) : `${step.cause}: ${step.detail}`;
  const place = step.queuePlace > 1 ? `; it is number ${step.queuePlace} in its queue` : "";
  const until = step.untilMs > 0 ? `, until ${dateText(step.untilMs)}` : "";
  return oneLine(`${text}${until}${place}`);
}

function forWorker(
  { workers, moreWorkers, nearAgents }: StepExplanation,
  agent: string,
  io: Pick<Io, "self">,
): string {
  const name = `agent "${agent}"`;
  const see = `see \`${io.self} worker list\``;
  const having = workers.filter(({ cause }) => cause !== "AGENT");
  if (having.some(({ cause }) => cause === "")) return `a worker with ${name} is about to take it`;
  if (having.length === 0 && moreWorkers === 0) {
    const near = nearAgents.map((each) => `"${each}"`).join(" or ");
    return `no connected worker runs ${name}${near === "" ? "" : `, which no worker has ever announced: did you mean ${near}?`}; ${see}`;
  }
  const counts = new Map<string, number>();
  for (const { cause } of having) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  if (counts.size === 1)
    return `all workers with ${name} ${refusals[having[0]?.cause ?? ""] ?? "refuse it"}; ${see}`;
  const parts = [...counts].map(([cause, count]) => `${count} ${refusals[cause] ?? cause}`);
  return `of the workers with ${name} ${parts.join(", ")}; ${see}`;
}

/** The first thing that a task waits for, and how many others there are; undefined if it waits for nothing. */
export function firstReason(
  { steps, moreSteps }: TaskExplanation,
  agentOf: (stepName: string) => string,
  io: Pick<Io, "self">,
): string | undefined {
  // What waits for other steps is not what the task waits for.
  const [first, ...others] = steps.filter(({ cause }) => cause !== "DEPENDENCIES" && cause !== "TURN");
  if (!first) return undefined;
  const own = first.name === "main" ? "" : `step ${oneLine(first.name)}: `;
  const more = others.length + moreSteps;
  return `${own}${sentence(first, agentOf(first.name), io)}${more > 0 ? ` (and ${more} more)` : ""}`;
}
