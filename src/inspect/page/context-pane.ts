import { inspectPage } from "#limits/inspect-page";
import { deadlinesOf } from "../view/event.js";
import { distanceText, instantText } from "../view/times.js";
import { type Actor, shortValue } from "../view/world.js";
import { byId, element } from "./elements.js";

/** A number of a context that is an instant, by its name and size: no counter comes near it. */
function isInstant(name: string, value: unknown): value is number {
  return typeof value === "number" && value > 1e11 && /(at|until|deadline|since)$/i.test(name);
}

/** The context of an actor: deadlines first, each with the time that is left; then ids and counters. */
export class ContextPane {
  readonly #list = byId("context");
  #shown = "";

  show(actor: Actor | undefined, now: number): void {
    const context = actor?.snapshot.context ?? {};
    const deadlines = deadlinesOf(context);
    const rest = Object.entries(context).filter(
      ([name, value]) => name !== "deadlines" && shortValue(value) !== "",
    );
    const rows: readonly ContextRow[] = [
      ...deadlines.map(({ kind, at }) => instantRow(kind, "deadline", at, now)),
      ...rest
        .slice(0, inspectPage.contextEntries)
        .map(([name, value]) =>
          isInstant(name, value) ? instantRow(name, "instant", value, now) : valueRow(name, value),
        ),
    ];
    const text = JSON.stringify([actor?.id, rows]);
    if (text === this.#shown) return;
    this.#shown = text;
    const none = rows.length === 0 && actor ? [element("dd", { class: "quiet" }, "It has none.")] : [];
    this.#list.replaceChildren(...rows.flatMap(elementsOf), ...none);
  }
}

interface ContextRow {
  readonly name: string;
  readonly kind: "deadline" | "instant" | "value" | "nothing";
  readonly text: string;
  /** How far away an instant is; empty for anything else. */
  readonly distance: string;
}

function valueRow(name: string, value: unknown): ContextRow {
  return {
    name,
    kind: value === 0 || value === false ? "nothing" : "value",
    text: shortValue(value),
    distance: "",
  };
}

function instantRow(name: string, kind: "deadline" | "instant", at: number, now: number): ContextRow {
  return { name, kind, text: instantText(at, now), distance: distanceText(at, now) };
}

function elementsOf({ name, kind, text, distance }: ContextRow): readonly HTMLElement[] {
  const value = element("dd", { "data-kind": kind, title: text }, text);
  if (distance !== "") value.append(element("span", { class: "quiet" }, distance));
  return [element("dt", { "data-kind": kind }, name), value];
}
