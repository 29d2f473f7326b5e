import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { machines } from "#actors/machines";

/**
 * A machine as a Mermaid state diagram: an arrow is a change of state, a line inside a state is a message
 * it hears and stays. Guards stand in brackets.
 */
export function stateDiagram({ root }: AnyStateMachine): string {
  const lines = root.type === "parallel" ? regions(root) : states(root, "  ");
  return ["```mermaid", "stateDiagram-v2", ...lines, "```"].join("\n");
}

function regions(root: AnyStateNode): string[] {
  const parts = Object.values(root.states).map((region) => states(region, "    "));
  return [
    `  state ${root.key} {`,
    ...parts.flatMap((part, i) => (i === 0 ? part : ["    --", ...part])),
    "  }",
  ];
}

function states(parent: AnyStateNode, indent: string): string[] {
  const nodes = Object.values(parent.states);
  const [initial] = parent.initial.target ?? [];
  const lines = [
    `[*] --> ${initial?.key}`,
    ...nodes.flatMap(stays),
    ...nodes.flatMap(arrows),
    ...nodes.filter(({ type }) => type === "final").map(({ key }) => `${key} --> [*]`),
  ];
  return lines.map((line) => indent + line);
}

/** What is heard without a change of state, in one line below the state's own name. */
function stays(node: AnyStateNode): string[] {
  const heard = own(node).filter(({ target }) => !target);
  if (heard.length === 0) return [];
  return [`${node.key} : ${node.key}`, ...chunks(heard.map(label)).map((line) => `${node.key} : ${line}`)];
}

/** One arrow for each pair of states, with every message that leads along it. */
function arrows(node: AnyStateNode): string[] {
  const labels = new Map<string, string[]>();
  for (const transition of own(node)) {
    for (const { key } of transition.target ?? []) {
      labels.set(key, [...(labels.get(key) ?? []), label(transition)]);
    }
  }
  return [...labels].map(([to, all]) => `${node.key} --> ${to} : ${[...new Set(all)].join(", ")}`);
}

function own(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
}

/** `message [guard]`; a transition without a message is only its guard, or the way that is left. */
function label({ eventType, guard }: AnyTransitionDefinition): string {
  const where = typeof guard === "string" ? `[${guard}]` : "";
  if (eventType === "") return where || "otherwise";
  return where ? `${eventType} ${where}` : eventType;
}

/** More words than this in one line make a box as wide as the page. */
const WORDS_PER_LINE = 4;

function chunks(words: readonly string[]): string[] {
  const lines = Math.ceil(words.length / WORDS_PER_LINE);
  return Array.from({ length: lines }, (_, i) =>
    words.slice(i * WORDS_PER_LINE, (i + 1) * WORDS_PER_LINE).join(", "),
  );
}

/** The page with every diagram drawn anew, between `<!-- diagram: ID -->` and `<!-- end -->`. */
export function redrawn(page: string): string {
  const drawn = new Map(Object.entries(machines).map(([id, machine]) => [id, stateDiagram(machine)]));
  return (
    page.replaceAll(/<!-- diagram: (\S+) -->[\s\S]*?<!-- end -->/g, (_, id: string) => {
      const diagram = drawn.get(id);
      if (!diagram) throw new Error(`actors/README.md has a diagram "${id}", but there is no such machine`);
      drawn.delete(id);
      return `<!-- diagram: ${id} -->\n${diagram}\n<!-- end -->`;
    }) + [...drawn].map(([id, diagram]) => `\n<!-- diagram: ${id} -->\n${diagram}\n<!-- end -->\n`).join("")
  );
}
