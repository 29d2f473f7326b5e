import { pathTo, type TreeRow, treeRows } from "../view/tree.js";
import type { World } from "../view/world.js";
import { byId, element, setAttributes, setText } from "./elements.js";
import { VirtualList } from "./virtual-list.js";

const ROW_HEIGHT = 28;

/** The tree of actors. Its focus is one row, which the arrow keys move as in any tree. */
export class TreePane {
  readonly #box = byId("tree");
  readonly #list: VirtualList<TreeRow>;
  readonly #select: (id: string) => void;
  /** Actors whose children are shown or hidden by hand. */
  readonly #toggled = new Set<string>();
  #world: World = new Map();
  #task = "";
  #selected = "";

  constructor(select: (id: string) => void) {
    this.#select = select;
    this.#list = new VirtualList(this.#box, {
      rowHeight: ROW_HEIGHT,
      make: makeRow,
      fill: (row, item) => fillRow(row, item, this.#selected),
    });
    this.#box.addEventListener("click", (event) => this.#clicked(event));
    this.#box.addEventListener("keydown", (event) => this.#pressed(event));
  }

  show(world: World, task: string, selected: string): void {
    const isNew = selected !== this.#selected;
    this.#world = world;
    this.#task = task;
    this.#selected = selected;
    this.#draw();
    if (isNew) this.#reveal();
    byId("tree-empty").hidden = world.size > 0;
  }

  #draw(): void {
    this.#list.show(treeRows(this.#world, { task: this.#task, toggled: this.#toggled }));
    const active = this.#list.elementIdOf(this.#indexOf(this.#selected));
    setAttributes(this.#box, { "aria-activedescendant": active === "" ? undefined : active });
  }

  /** Opens what is above the selected actor, and scrolls to it. */
  #reveal(): void {
    for (const id of pathTo(this.#selected, this.#world)) {
      const row = this.#list.items.find((item) => item.id === id);
      if (id === this.#selected || row?.type !== "actor" || row.isOpen !== false) continue;
      this.#toggle(id);
    }
    const index = this.#indexOf(this.#selected);
    if (index >= 0) this.#list.reveal(index);
  }

  #toggle(id: string): void {
    if (!this.#toggled.delete(id)) this.#toggled.add(id);
    this.#draw();
  }

  #indexOf(id: string): number {
    return this.#list.items.findIndex((item) => item.type === "actor" && item.id === id);
  }

  #clicked(event: MouseEvent): void {
    const item = this.#list.itemAt(event.target);
    if (item?.type !== "actor") return;
    const onTwisty = event.target instanceof Element && event.target.closest(".twisty");
    if (onTwisty && item.isOpen !== undefined) this.#toggle(item.id);
    else this.#select(item.id);
  }

  #pressed(event: KeyboardEvent): void {
    const { items } = this.#list;
    const index = this.#indexOf(this.#selected);
    const item = items[index];
    const move = (steps: number, from = index) => {
      for (let at = from + steps; at >= 0 && at < items.length; at += Math.sign(steps)) {
        const next = items[at];
        if (next?.type === "actor") return this.#select(next.id);
      }
    };
    const isOpen = item?.type === "actor" ? item.isOpen : undefined;
    const above = this.#world.get(this.#world.get(this.#selected)?.parentId ?? "");
    const keys: Readonly<Record<string, () => void>> = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Home: () => move(1, -1),
      End: () => move(-1, items.length),
      ArrowRight: () => (isOpen === false ? this.#toggle(this.#selected) : move(1)),
      ArrowLeft: () => (isOpen ? this.#toggle(this.#selected) : above && this.#select(above.id)),
      Enter: () => isOpen !== undefined && this.#toggle(this.#selected),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

function makeRow(): HTMLElement {
  return element(
    "div",
    { class: "tree-row" },
    element("span", { class: "twisty", "aria-hidden": "true" }),
    element("span", { class: "glyph", "aria-hidden": "true" }),
    element("span", { class: "name" }),
    element("span", { class: "state" }),
  );
}

function fillRow(row: HTMLElement, item: TreeRow, selected: string): void {
  const [twisty, glyph, name, state] = [...row.children] as [
    HTMLElement,
    HTMLElement,
    HTMLElement,
    HTMLElement,
  ];
  const isHeading = item.type === "heading";
  setText(name, isHeading ? item.text : item.name);
  setText(state, isHeading ? String(item.count) : item.state);
  setText(glyph, "");
  const actor = isHeading ? undefined : item;
  setText(twisty, actor?.isOpen === undefined ? "" : actor.isOpen ? "▾" : "▸");
  row.style.setProperty("--depth", String(actor?.depth ?? 0));
  const isSelected = actor !== undefined && actor.id === selected;
  setAttributes(row, {
    role: isHeading ? "presentation" : "treeitem",
    class: isHeading ? "tree-row tree-heading" : "tree-row",
    title: actor ? `${actor.id} – ${actor.state}` : undefined,
    "data-tone": actor?.tone,
    "data-kind": actor?.kind,
    "aria-level": actor ? actor.depth + 1 : undefined,
    "aria-posinset": actor?.position,
    "aria-setsize": actor?.siblings,
    "aria-expanded": actor?.isOpen === undefined ? undefined : String(actor.isOpen),
    "aria-selected": actor ? String(isSelected) : undefined,
  });
}
