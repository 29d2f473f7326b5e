import { element } from "./elements.js";

/** How the rows of a list are made and filled. */
export interface RowView<Item> {
  readonly rowHeight: number;
  make(): HTMLElement;
  /** Fills a row that was made for another item. */
  fill(row: HTMLElement, item: Item, index: number): void;
}

/** Rows above and below the visible ones, so that scrolling shows no gap. */
const OVERSCAN = 6;

/**
 * A list of which only the visible rows are in the document, however long it is. Rows are filled anew and never replaced, so
 * that a click meets the row that it began on.
 */
export class VirtualList<Item> {
  readonly #box: HTMLElement;
  readonly #view: RowView<Item>;
  readonly #space = element("div", { class: "list-space", role: "presentation" });
  readonly #pool: HTMLElement[] = [];
  #items: readonly Item[] = [];
  #first = 0;
  /** True while the last row is kept in sight, however the box changes. */
  #isFollowing = false;

  constructor(box: HTMLElement, view: RowView<Item>) {
    this.#box = box;
    this.#view = view;
    box.append(this.#space);
    box.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => (this.#isFollowing ? this.toEnd() : this.#draw())).observe(box);
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  show(items: readonly Item[]): void {
    this.#items = items;
    this.#space.style.height = `${items.length * this.#view.rowHeight}px`;
    this.#draw();
  }

  /** The item of the row that an event happened on. */
  itemAt(target: EventTarget | null): Item | undefined {
    const row = target instanceof Element ? target.closest<HTMLElement>("[data-slot]") : null;
    return row ? this.#items[this.#first + Number(row.dataset.slot)] : undefined;
  }

  /** The id of the element that shows a row, for `aria-activedescendant`; empty if it is out of sight. */
  elementIdOf(index: number): string {
    const row = this.#pool[index - this.#first];
    return row && !row.hidden ? row.id : "";
  }

  reveal(index: number): void {
    const { rowHeight } = this.#view;
    const [top, bottom] = [index * rowHeight, (index + 1) * rowHeight];
    const { scrollTop, clientHeight } = this.#box;
    if (top < scrollTop) this.#box.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.#box.scrollTop = bottom - clientHeight;
    this.#draw();
  }

  /** Keeps the last row in sight from now on, or no more. */
  follow(isFollowing: boolean): void {
    this.#isFollowing = isFollowing;
    if (isFollowing) this.toEnd();
  }

  toEnd(): void {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#draw();
  }

  #draw(): void {
    const { rowHeight } = this.#view;
    const { scrollTop, clientHeight } = this.#box;
    const visible = Math.ceil(clientHeight / rowHeight) + 2 * OVERSCAN;
    this.#first = Math.max(Math.floor(scrollTop / rowHeight) - OVERSCAN, 0);
    while (this.#pool.length < visible) this.#addRow();
    for (const [slot, row] of this.#pool.entries()) {
      const index = this.#first + slot;
      const item = slot < visible ? this.#items[index] : undefined;
      row.hidden = item === undefined;
      if (item === undefined) continue;
      row.style.transform = `translateY(${index * rowHeight}px)`;
      this.#view.fill(row, item, index);
    }
  }

  #addRow(): void {
    const row = this.#view.make();
    row.dataset.slot = String(this.#pool.length);
    row.id = `${this.#box.id}-row-${this.#pool.length}`;
    this.#pool.push(row);
    this.#space.append(row);
  }
}
