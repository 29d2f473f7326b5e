import { inspectPage } from "#limits/inspect-page";
import type { ChartState, ChartTransition, Machine } from "./machine.js";

/** Transitions between the same two states: one arrow. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly ChartTransition[];
  /** What stands at the arrow. */
  readonly lines: readonly string[];
}

/** A transition that so many states have that it is written below the chart instead of drawn from each. */
export interface CommonExit {
  /** For example `timeout, abort`. */
  readonly events: string;
  readonly to: string;
  readonly from: readonly string[];
}

/** From so many states on, the same message to the same end is written instead of drawn. */
const COMMON_FROM = 3;
/** Characters of a line at an arrow, before events are put on another one. */
const LINE_CHARS = 24;

/** Splits the transitions of a machine into arrows, and what is written below. */
export function arrowsOf({ transitions, states }: Machine): {
  readonly arrows: readonly Arrow[];
  readonly exits: readonly CommonExit[];
} {
  const isEnd = (id: string) => states.get(id)?.kind === "final";
  const sources = groupedBy(
    transitions.filter(({ to, kind, guard }) => isEnd(to) && kind === "event" && guard === ""),
    ({ event, to }) => JSON.stringify([event, to]),
  );
  const common = new Set([...sources.values()].filter((same) => same.length >= COMMON_FROM).flat());
  const drawn = transitions.filter((each) => !common.has(each) && !isRoot(each.from, states));
  const arrows = groupedBy(drawn, ({ from, to }) => JSON.stringify([from, to]));
  return {
    arrows: [...arrows.values()].map((same) => arrowOf(same)),
    exits: exitsOf(transitions.filter((each) => !drawn.includes(each))),
  };
}

function isRoot(id: string, states: ReadonlyMap<string, ChartState>): boolean {
  return !id.includes(".") && states.has(id);
}

function arrowOf(transitions: readonly ChartTransition[]): Arrow {
  const [first] = transitions;
  const lines: string[] = [];
  for (const { kind, event, guard, order } of transitions) {
    const text = guard === "" ? wordsOf(kind, event, order) : `${event === "" ? "" : `${event} `}[${guard}]`;
    const before = lines.at(-1);
    const fits =
      before !== undefined && before.length + text.length <= LINE_CHARS && !/\]/.test(before + text);
    if (fits) lines[lines.length - 1] = `${before}, ${text}`;
    else if (!lines.includes(text)) lines.push(text);
  }
  const { chartLabelLines: most } = inspectPage;
  const cut =
    lines.length > most ? [...lines.slice(0, most - 1), `… ${lines.length - most + 1} more`] : lines;
  return { from: first?.from ?? "", to: first?.to ?? "", transitions, lines: cut };
}

function wordsOf(kind: ChartTransition["kind"], event: string, order: number): string {
  if (kind === "event") return event;
  if (kind === "after") return `after ${event}`;
  return order > 0 ? "otherwise" : "always";
}

/** Those with the same sources and the same end on one line. */
function exitsOf(transitions: readonly ChartTransition[]): readonly CommonExit[] {
  const bySources = new Map<
    string,
    { readonly events: string[]; readonly to: string; readonly from: string[] }
  >();
  const byEvent = groupedBy(transitions, ({ event, to }) => JSON.stringify([event, to]));
  for (const same of byEvent.values()) {
    const { to = "", event = "" } = same[0] ?? {};
    const from = [...new Set(same.map((each) => each.from))];
    const key = JSON.stringify([to, from]);
    const known = bySources.get(key);
    if (known) known.events.push(event);
    else bySources.set(key, { events: [event], to, from });
  }
  return [...bySources.values()].map(({ events, to, from }) => ({ events: events.join(", "), to, from }));
}

function groupedBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
