import type { StepKey } from "#domain/id";
import { stepKey } from "#domain/id";
import type { JournalEntryName, JournalWait } from "#domain/task/journal";
import { millis } from "#domain/time/time";
import { type Dice, diceOf } from "../dice.js";
import type { SimWorld } from "../sim-world.js";

/** One durable step of a simulated agent. */
export interface Op {
  /** Counts them, from 1: an agent that goes on one after the other has its entries in this order. */
  readonly entry: number;
  readonly named: JournalEntryName;
  readonly wait?: JournalWait;
  /** It comes to a failure, which the agent catches. */
  readonly fails: boolean;
  /** The agent goes on before it is over, or known to be durable. */
  readonly isAside: boolean;
  /** What becomes of it in doubt is for a person to say. */
  readonly isHeld: boolean;
  /** Its signal is sent before anybody waits for it, in most cases. */
  readonly isEarly: boolean;
}

/** The agents of children. */
const CHILD_AGENT = "echo";

/**
 * What the agent of a Step does, the same in each of its Runs; undefined if it journals nothing. A child begins no
 * children of its own.
 */
export function programOf(world: SimWorld, step: StepKey): readonly Op[] | undefined {
  const dice = diceOf(hashOf(stepKey(step)));
  if (!dice.chance(world.weather.journals)) return undefined;
  const isChild = world.mirror.tasks.get(step.taskId)?.spec.parent;
  const kinds = isChild ? KINDS.slice(0, -1) : KINDS;
  const length = dice.between(2, 7);
  return Array.from({ length }, (_, i) => {
    const op = kindOf(dice, kinds, i + 1, step.stepName);
    // By dice of its own: a world without it is the world that it was.
    const apart = diceOf(hashOf(`held ${effectKey(step, op.entry)}`));
    return { ...op, isHeld: op.named.effect === "ONCE" && apart.chance(world.weather.holds) };
  });
}

const KINDS = ["work", "work", "once", "once", "sleep", "signal", "patience", "child"] as const;

function kindOf(
  dice: Dice,
  kinds: readonly (typeof KINDS)[number][],
  entry: number,
  stepName: string,
): Omit<Op, "isHeld"> {
  const kind = dice.pick(kinds);
  const isAside = dice.chance(0.4);
  const isEarly = dice.chance(0.5);
  const fails = kind === "work" && dice.chance(0.2);
  const name = `${kind} ${stepName} ${entry}`;
  const any = { occurrence: 1, inputDigest: "", concurrent: false } as const;
  const op = { entry, fails, isAside, isEarly };
  const waited = { ...any, effect: "READ" } as const;
  switch (kind) {
    case "work":
      return { ...op, named: { ...any, kind: "STEP", name, effect: "IDEMPOTENT" } };
    case "once":
      return { ...op, named: { ...any, kind: dice.pick(["STEP", "TOOL"]), name, effect: "ONCE" } };
    case "sleep":
      return {
        ...op,
        named: { ...waited, kind: "SLEEP", name },
        wait: { duration: millis(dice.between(0, 20_000)) },
      };
    case "signal":
      return {
        ...op,
        named: { ...waited, kind: "SIGNAL", name },
        wait: { duration: millis(dice.between(1, 40_000)), otherwise: '"nobody"' },
      };
    case "patience":
      return { ...op, named: { ...waited, kind: "SIGNAL", name }, wait: { duration: millis(0) } };
    case "child":
      return {
        ...op,
        named: { ...waited, kind: "CHILD", name: CHILD_AGENT, occurrence: entry },
        wait: childWait(entry),
      };
  }
}

function childWait(entry: number): JournalWait {
  const child = {
    agentName: CHILD_AGENT,
    template: null,
    input: JSON.stringify({ entry }),
    labels: {},
    timeoutMs: millis(0),
    maxAttempts: 0,
    workerSelector: {},
  };
  return { duration: millis(0), child };
}

/** The effect of one entry in the world outside. */
export function effectKey(step: StepKey, entry: number): string {
  return `${stepKey(step)} ${entry}`;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
