import { kindOf, label, ownName } from "../view/names.js";
import type { Row } from "../view/timeline.js";
import { clockText } from "../view/times.js";
import { byId, element, setAttributes, setText, svg } from "./elements.js";
import { VirtualList } from "./virtual-list.js";

const ROW_HEIGHT = 26;
const LANE = 18;
const LEFT = 10;

/** The lifelines, from left to right: what is outside, the four actors, then what has a life of its own. */
const lanes = [
  "outside",
  "task-request",
  "scheduler",
  "run-tracker",
  "task-finalizer",
  "Task",
  "Step",
  "Run",
  "Worker",
];
const OUTSIDE = 0;

function laneOf(id: string): number {
  switch (kindOf(id)) {
    case "actor":
      return Math.max(lanes.indexOf(ownName(id)), OUTSIDE);
    case "task":
      return 5;
    case "step":
      return 6;
    case "run":
      return 7;
    case "worker":
      return 8;
    default:
      return OUTSIDE;
  }
}

/** The sequence of messages: a line each, with an arrow from the lifeline of its sender to that of its receiver. */
export class SequencePane {
  readonly #box = byId("sequence");
  readonly #list: VirtualList<Row>;
  readonly #choose: (row: Row, index: number) => void;
  #cursor: number | undefined;

  constructor(choose: (row: Row, index: number) => void) {
    this.#choose = choose;
    this.#list = new VirtualList(this.#box, {
      rowHeight: ROW_HEIGHT,
      make: makeRow,
      fill: (row, item, index) => fillRow(row, item, index, this.#cursor),
    });
    this.#box.addEventListener("click", (event) => {
      const item = this.#list.itemAt(event.target);
      if (item) this.#choose(item, this.#list.items.indexOf(item));
    });
    drawLaneNames();
  }

  /** @param cursor index of the row that has happened last; undefined for the newest */
  show(rows: readonly Row[], cursor: number | undefined): void {
    const follow = cursor === undefined;
    const moved = cursor !== this.#cursor;
    this.#cursor = cursor;
    this.#list.show(rows);
    this.#list.follow(follow);
    if (!follow && moved) this.#list.reveal(cursor);
    const active = this.#list.elementIdOf(cursor ?? rows.length - 1);
    setAttributes(this.#box, { "aria-activedescendant": active === "" ? undefined : active });
    setText(byId("sequence-count"), rows.length === 0 ? "none yet" : String(rows.length));
  }
}

function drawLaneNames(): void {
  const names = lanes.map((name, lane) => {
    const x = LEFT + lane * LANE;
    return svg(
      "text",
      { x: 0, y: 0, transform: `translate(${x - 2} 30) rotate(-38)` },
      name.replace(/^task-/, ""),
    );
  });
  byId("lane-names").replaceChildren(...names);
}

function makeRow(): HTMLElement {
  const lines = lanes.map((_, lane) =>
    svg("line", { class: "life", x1: LEFT + lane * LANE, x2: LEFT + lane * LANE, y1: 0, y2: ROW_HEIGHT }),
  );
  const picture = svg("svg", { class: "lanes", viewBox: `0 0 168 ${ROW_HEIGHT}`, "aria-hidden": "true" });
  picture.append(
    ...lines,
    svg("path", { class: "flight" }),
    svg("circle", { class: "start", r: 2.5, cy: ROW_HEIGHT / 2 }),
    svg("path", { class: "tip" }),
  );
  return element(
    "div",
    { class: "message-row", role: "option" },
    element("span", { class: "time" }),
    picture,
    element("span", { class: "what" }, element("b", {}), element("span", { class: "who" })),
    element("span", { class: "change" }),
  );
}

function fillRow(row: HTMLElement, item: Row, index: number, cursor: number | undefined): void {
  const [time, picture, what, change] = [...row.children] as [
    HTMLElement,
    SVGElement,
    HTMLElement,
    HTMLElement,
  ];
  const [type, who] = [...what.children] as [HTMLElement, HTMLElement];
  setText(time, clockText(item.at, true));
  setText(type, item.kind === "created" ? "created" : item.message);
  setText(who, whoText(item));
  setText(change, item.change);
  setAttributes(row, {
    "data-kind": item.kind,
    "data-later": cursor !== undefined && index > cursor ? "yes" : undefined,
    "aria-selected": String(index === cursor),
    title:
      item.change === ""
        ? `${item.message} ${whoText(item)}`
        : `${item.message} ${whoText(item)}\n${item.change}`,
  });
  drawFlight(picture, item);
}

function whoText({ kind, from, to }: Row): string {
  if (kind === "note") return "";
  if (kind === "created" || from === "" || from === to) return label(to);
  return `${label(from)} → ${label(to)}`;
}

function drawFlight(picture: SVGElement, { kind, from, to }: Row): void {
  const [flight, start, tip] = [".flight", ".start", ".tip"].map((name) => picture.querySelector(name));
  if (!flight || !start || !tip) return;
  const y = ROW_HEIGHT / 2;
  const [a, b] = [laneOf(kind === "created" ? to : from), laneOf(to)].map((lane) => LEFT + lane * LANE) as [
    number,
    number,
  ];
  const isNote = kind === "note";
  const step = a === b ? 0 : Math.sign(b - a);
  setAttributes(start, { cx: a, "data-hidden": isNote ? "yes" : undefined });
  setAttributes(flight, { d: isNote || step === 0 ? "" : `M${a} ${y}H${b - step * 4}` });
  const isLoop = kind !== "created" && !isNote && step === 0;
  if (isLoop) setAttributes(flight, { d: `M${a} ${y - 4}h6a4 4 0 0 1 0 8h-3` });
  setAttributes(start, { cy: isLoop ? y - 4 : y });
  const tipAt = isLoop ? `M${a + 1} ${y + 4}l6 -3v6z` : `M${b} ${y}l${-step * 6} -3.5v7z`;
  setAttributes(tip, { d: isNote || kind === "created" ? "" : tipAt });
}
