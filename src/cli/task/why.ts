import type { StepExplanation, TaskExplanation } from "#client/index";
import { dateText } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";

/** What workers are that run a step's agent, and do not take it. */
const refusals: Readonly<Record<string, string>> = {
  NAMESPACE: "not for its namespace",
  LABELS: "without a label that it needs",
  GONE: "disconnected",
  DRAINING: "draining",
  FAILING: "in error",
  PAUSED: "paused",
  AVOIDED: "avoided, having just given it back",
  SLOTS: "busy",
  AGENT_SLOTS: "at the most runs of it that they take",
  TASK_HELD: "at another run of the task",
  UNREAD: "not reading what they are sent",
};

/** What a step waits for, in a sentence. */
export function sentence(step: StepExplanation, agent: string, io: Pick<Io, "self">): string {
  const text = step.cause === "WORKER" ? forWorker(step, agent, io) : `${step.cause}: ${step.detail}`;
  const place = step.queuePlace > 1 ? `; it is number ${step.queuePlace} in its queue` : "";
  const until = step.untilMs > 0 ? `, until ${dateText(step.untilMs)}` : "";
  return oneLine(`${text}${until}${place}`);
}

function forWorker({ workers, nearAgents }: StepExplanation, agent: string, io: Pick<Io, "self">): string {
  const name = `agent "${agent}"`;
  const see = `see \`${io.self} worker list\``;
  // Those without the agent are the last, so that what is not told of has not got it either.
  const having = workers.filter(({ cause }) => cause !== "AGENT");
  if (having.some(({ cause }) => cause === "")) return `a worker with ${name} is about to take it`;
  if (having.length === 0) {
    const near = nearAgents.map((each) => `"${each}"`).join(" or ");
    return `no connected worker runs ${name}${near === "" ? "" : `, which no worker has ever announced: did you mean ${near}?`}; ${see}`;
  }
  const counts = new Map<string, number>();
  for (const { cause } of having) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  if (counts.size === 1)
    return `all workers with ${name} are ${refusals[having[0]?.cause ?? ""] ?? "refusing it"}; ${see}`;
  const parts = [...counts].map(([cause, count]) => {
    return `${count} ${count === 1 ? "is" : "are"} ${refusals[cause] ?? cause}`;
  });
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
