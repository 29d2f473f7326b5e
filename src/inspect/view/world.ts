import { inspectPage } from "#limits/inspect-page";
import type { InspectEvent, InspectSnapshot } from "./event.js";
import { type Machine, readMachine, valueText } from "./machine.js";

/** An actor as of some event. Never changed: an event makes a new one. */
export interface Actor {
  readonly id: string;
  readonly name: string;
  readonly parentId: string;
  readonly machine: Machine | undefined;
  readonly snapshot: InspectSnapshot;
  /** The last message that changed it, and the value before; absent before the first. */
  readonly last?: { readonly message: string; readonly from: unknown };
  readonly createdAt: number;
  readonly changedAt: number;
}

/** All actors as of some event, in the order in which they were first seen. */
export type World = ReadonlyMap<string, Actor>;

/** Reads each definition once. They come with every actor, and are the same for all of a kind. */
export class Machines {
  readonly #read = new Map<string, Machine | undefined>();

  of(definition: string): Machine | undefined {
    if (definition === "") return undefined;
    const known = this.#read.get(definition);
    if (known || this.#read.has(definition)) return known;
    if (this.#read.size >= inspectPage.keptMachines) this.#read.clear();
    const machine = readMachine(definition);
    this.#read.set(definition, machine);
    return machine;
  }
}

/** The actor that an event is about, after it; undefined if nothing changes. */
export function changedActor(world: World, event: InspectEvent, machines: Machines): Actor | undefined {
  const { sessionId: id, at } = event;
  const before = world.get(id);
  switch (event.type) {
    case "message":
      return undefined;
    case "actor": {
      const { name, parentId, definition, snapshot } = event;
      const machine = machines.of(definition) ?? before?.machine;
      return {
        ...before,
        id,
        name,
        parentId,
        machine,
        snapshot,
        createdAt: before?.createdAt ?? at,
        changedAt: at,
      };
    }
    case "snapshot": {
      const { message, snapshot } = event;
      const last = { message, from: before?.snapshot.value };
      if (before) return { ...before, snapshot, last, changedAt: at };
      return { id, name: id, parentId: "", machine: undefined, snapshot, last, createdAt: at, changedAt: at };
    }
  }
}

/** True if nothing happens to it any more. */
export function isOver({ snapshot, machine }: Actor): boolean {
  if (snapshot.status !== "active") return true;
  if (!machine || typeof snapshot.value !== "string") return false;
  return machine.states.get(`${machine.id}.${snapshot.value}`)?.kind === "final";
}

/** What a snapshot changes, in words: the state first, then values of the context. Empty if nothing that is shown. */
export function changeText(before: InspectSnapshot | undefined, after: InspectSnapshot): string {
  const [from, to] = [before ? valueText(before.value) : "", valueText(after.value)];
  const state = from === to ? [] : [from === "" ? to : `${from} → ${to}`];
  const changes = before ? contextChanges(before, after) : [];
  const shown = changes.slice(0, inspectPage.changesShown);
  const more = changes.length - shown.length;
  return [...state, ...shown, ...(more > 0 ? [`${more} more`] : [])].join(" · ");
}

function contextChanges(before: InspectSnapshot, after: InspectSnapshot): string[] {
  const changes: string[] = [];
  for (const [name, value] of Object.entries(after.context).slice(0, inspectPage.contextEntries)) {
    const old = before.context[name];
    if (old === value || name === "state" || name === "status") continue;
    const [was, is] = [shortValue(old), shortValue(value)];
    if (was !== is) changes.push(was === "" ? `${name} ${is}` : `${name} ${was} → ${is === "" ? "–" : is}`);
  }
  return changes;
}

/** A value of a context on one line; empty for nothing. */
export function shortValue(value: unknown): string {
  if (value === undefined || value === null || value === "") return "";
  const text = wordsOf(value);
  const { contextValueChars: most } = inspectPage;
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Lists and records of plain values without the marks of JSON: they are read, not copied. */
function wordsOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const isPlain = Object.values(value).every((each) => typeof each !== "object" || each === null);
  if (!isPlain) return JSON.stringify(value);
  if (Array.isArray(value)) return value.join(", ");
  return Object.entries(value)
    .map(([name, each]) => `${name} ${each}`)
    .join(", ");
}
