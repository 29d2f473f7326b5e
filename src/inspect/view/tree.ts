import { type ActorKind, kindOf, ownName, shortId, stateOf, type Tone, taskOf, toneOf } from "./names.js";
import type { Actor, World } from "./world.js";

/** A line of the tree of actors, of which the visible ones are listed from top to bottom. */
export type TreeRow =
  | { readonly type: "heading"; readonly id: Group; readonly text: string; readonly count: number }
  | {
      readonly type: "actor";
      readonly id: string;
      readonly kind: ActorKind;
      /** From 0, below its heading. */
      readonly depth: number;
      readonly name: string;
      readonly state: string;
      readonly tone: Tone;
      /** Undefined without children. */
      readonly isOpen: boolean | undefined;
      /** Its place among those beside it, from 1, and how many those are. */
      readonly position: number;
      readonly siblings: number;
    };

export type Group = "actors" | "tasks" | "workers" | "others";

const headings: readonly (readonly [Group, string])[] = [
  ["actors", "Actors"],
  ["tasks", "Tasks"],
  ["workers", "Workers"],
  ["others", "Others"],
];

export interface TreeOptions {
  /** Only Tasks whose ids begin with this. */
  readonly task: string;
  /** Ids of actors whose children are shown, or hidden: what differs from the default. */
  readonly toggled: ReadonlySet<string>;
}

/** Tasks with their Steps and Runs, newest first; the four actors; Workers; and whatever else there is. */
export function treeRows(world: World, { task, toggled }: TreeOptions): readonly TreeRow[] {
  const children = childrenOf(world);
  const tops: Record<Group, Actor[]> = { actors: [], tasks: [], workers: [], others: [] };
  for (const actor of world.values()) {
    if (isTop(actor, world) && kindOf(actor.id) !== "root") tops[groupOf(actor.id)].push(actor);
  }
  tops.tasks = tops.tasks.filter(({ id }) => task === "" || taskOf(id, world).startsWith(task)).reverse();

  const rows: TreeRow[] = [];
  const add = (actors: readonly Actor[], depth: number): void => {
    for (const [i, actor] of actors.entries()) {
      const below = children.get(actor.id) ?? [];
      const isOpen = below.length === 0 ? undefined : opensFirst(actor, task) !== toggled.has(actor.id);
      const place = { depth, isOpen, position: i + 1, siblings: actors.length };
      rows.push({ type: "actor", id: actor.id, kind: kindOf(actor.id), ...place, ...shown(actor) });
      if (isOpen && depth < DEPTH_MAX) add(below, depth + 1);
    }
  };
  for (const [id, text] of headings) {
    const top = tops[id];
    if (top.length === 0 && id === "others") continue;
    rows.push({ type: "heading", id, text, count: top.length });
    add(top, 0);
  }
  return rows;
}

/** Tasks below Tasks are shown this deep; deeper ones are found by their own id. */
const DEPTH_MAX = 24;

/** A Task that is looked for is open; of several, those that go on. */
function opensFirst(actor: Actor, task: string): boolean {
  return task !== "" || kindOf(actor.id) !== "task" || !["done", "idle"].includes(toneOf(actor));
}

function shown(actor: Actor) {
  const own = ownName(actor.id);
  const isNamed = ![actor.id, own, ""].includes(actor.name);
  const id = kindOf(actor.id) === "task" || !isNamed ? [shortId(own)] : [];
  const name = [...(isNamed ? [actor.name] : []), ...id].join(" ");
  return { name, state: stateOf(actor), tone: toneOf(actor) };
}

/** The plane and its four actors have made everything: it stands beside them, not below. */
function isTop({ parentId }: Actor, world: World): boolean {
  return !world.has(parentId) || ["root", "actor"].includes(kindOf(parentId));
}

function groupOf(id: string): Group {
  switch (kindOf(id)) {
    case "actor":
      return "actors";
    case "task":
    case "step":
    case "run":
      return "tasks";
    case "worker":
      return "workers";
    default:
      return "others";
  }
}

function childrenOf(world: World): ReadonlyMap<string, readonly Actor[]> {
  const children = new Map<string, Actor[]>();
  for (const actor of world.values()) {
    const { parentId } = actor;
    if (isTop(actor, world)) continue;
    const beside = children.get(parentId);
    if (beside) beside.push(actor);
    else children.set(parentId, [actor]);
  }
  return children;
}

/** The ids of an actor and of all those above it that the tree shows. */
export function pathTo(id: string, world: World): readonly string[] {
  const path: string[] = [];
  let at = world.get(id);
  while (at && path.length < DEPTH_MAX && !path.includes(at.id)) {
    path.unshift(at.id);
    at = world.get(at.parentId);
  }
  return path;
}
