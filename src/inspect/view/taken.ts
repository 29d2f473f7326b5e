import { activeStates, type ChartTransition, type Machine } from "./machine.js";

/** Transitions without a message that may follow one another, before a machine rests. */
const CHAIN_MAX = 6;

/**
 * The transitions that a message has led through, from the states before to those after: the one of the message, then
 * those taken without a message. Empty if the machine has stayed where it was, or the way is not in its definition.
 */
export function transitionsTaken(
  machine: Machine,
  before: unknown,
  message: string,
  after: unknown,
): readonly ChartTransition[] {
  const [left, entered] = [activeStates(machine, before), activeStates(machine, after)];
  const isRest = (id: string) => machine.states.get(id)?.states.length === 0 && entered.has(id);
  const first = machine.transitions.filter(
    ({ from, event, kind }) => kind !== "always" && event === message && left.has(from),
  );
  return first.flatMap((transition) => wayOn(machine, [transition], isRest) ?? []);
}

function wayOn(
  machine: Machine,
  way: readonly ChartTransition[],
  isRest: (id: string) => boolean,
): readonly ChartTransition[] | undefined {
  const at = way.at(-1)?.to ?? "";
  if (isRest(at) || isRest(firstWithin(machine, at))) return way;
  if (way.length >= CHAIN_MAX) return undefined;
  for (const next of machine.transitions) {
    if (next.kind !== "always" || next.from !== at || way.includes(next)) continue;
    const found = wayOn(machine, [...way, next], isRest);
    if (found) return found;
  }
  return undefined;
}

/** The state without others in it in which another one begins. */
function firstWithin({ states }: Machine, id: string): string {
  let at = id;
  for (let depth = 0; depth < CHAIN_MAX; depth += 1) {
    const next = states.get(at)?.initial[0];
    if (next === undefined) break;
    at = next;
  }
  return at;
}
