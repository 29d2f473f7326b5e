import { Graph, layout } from "@dagrejs/dagre";
import { type Arrow, arrowsOf, type CommonExit } from "./labels.js";
import type { ChartState, Machine } from "./machine.js";

/** Where everything of a chart is drawn, in pixels from its left upper corner. */
export interface Chart {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly arrows: readonly PlacedArrow[];
  readonly exits: readonly CommonExit[];
}

export interface Box extends Rect {
  readonly state: ChartState;
  /** True if its parent begins in it. */
  readonly isInitial: boolean;
  /** What it handles without being left, in lines that fit. */
  readonly inner: readonly string[];
}

export interface PlacedArrow {
  readonly arrow: Arrow;
  readonly points: readonly Point[];
  /** The middle of what stands at it. */
  readonly label: Point;
}

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How wide a text is at a font size, in pixels. */
export type Measure = (text: string, size: number) => number;

export type Direction = "TB" | "LR";

/** Sizes that the style sheet knows too. */
export const sizes = {
  state: 12.5,
  inner: 10.5,
  label: 10.5,
  lineHeight: 14,
  title: 26,
  padding: 16,
} as const;
const STATE_HEIGHT = 28;
const STATE_WIDTH_MIN = 76;
const INNER_CHARS = 30;
const GAP = 28;

interface Placed {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly arrows: readonly PlacedArrow[];
}

/** Lays a machine out in the direction in which it is drawn larger within a frame. */
export function layoutChart(
  machine: Machine,
  measure: Measure,
  frame: { width: number; height: number },
): Chart {
  const { arrows, exits } = arrowsOf(machine);
  const charts = (["TB", "LR"] as const).map((direction) => {
    const painter = new Layout(arrows, measure, direction);
    const { boxes, arrows: placed, width, height } = painter.inside(machine.root);
    return { width, height, boxes, arrows: placed, exits };
  });
  const scale = ({ width, height }: Chart) => Math.min(frame.width / width, frame.height / height);
  const [first, second] = charts as [Chart, Chart];
  return scale(second) > scale(first) ? second : first;
}

class Layout {
  readonly #arrows: readonly Arrow[];
  readonly #measure: Measure;
  readonly #direction: Direction;

  constructor(arrows: readonly Arrow[], measure: Measure, direction: Direction) {
    this.#arrows = arrows;
    this.#measure = measure;
    this.#direction = direction;
  }

  /** Places the states within one. */
  inside(parent: ChartState): Placed {
    return parent.kind === "parallel" ? this.#regions(parent) : this.#graph(parent);
  }

  /** The regions of a parallel state beside one another, or one below the other. */
  #regions(parent: ChartState): Placed {
    const boxes: Box[] = [];
    const arrows: PlacedArrow[] = [];
    let [x, y, width, height] = [0, 0, 0, 0];
    for (const region of parent.states) {
      const inner = this.#boxed(region, true);
      const moved = shifted(inner, x, y);
      boxes.push(...moved.boxes);
      arrows.push(...moved.arrows);
      width = Math.max(width, x + inner.width);
      height = Math.max(height, y + inner.height);
      if (this.#direction === "LR") y += inner.height + GAP;
      else x += inner.width + GAP;
    }
    return { width, height, boxes, arrows };
  }

  #graph(parent: ChartState): Placed {
    const initial = new Set(parent.initial);
    const children = new Map(
      parent.states.map((state) => [state.id, this.#boxed(state, initial.has(state.id))] as const),
    );
    const arrows = this.#between(parent);
    const linked = new Set(arrows.flatMap(({ from, to }) => [from, to]));
    const graph = new Graph<object, { width: number; height: number; x: number; y: number }, EdgePlace>();
    const isTall = this.#direction === "TB";
    graph.setGraph({ rankdir: this.#direction, nodesep: 26, edgesep: 12, ranksep: isTall ? 18 : 30 });
    for (const [id, { width, height }] of children) {
      if (linked.has(id)) graph.setNode(id, { width, height, x: 0, y: 0 });
    }
    for (const { from, to, arrow } of arrows) {
      const lines = arrow.lines.map((line) => this.#measure(line, sizes.label));
      const [width, height] = [Math.max(...lines, 0) + 8, lines.length * sizes.lineHeight + 2];
      graph.setEdge(from, to, { width, height, labelpos: "c", points: [], x: 0, y: 0 });
    }
    layout(graph);
    return this.#collected(parent, children, arrows, graph);
  }

  #collected(
    parent: ChartState,
    children: ReadonlyMap<string, Placed>,
    arrows: readonly Lifted[],
    graph: InstanceType<typeof Graph>,
  ): Placed {
    const boxes: Box[] = [];
    const placed: PlacedArrow[] = [];
    let [width, height] = [0, 0];
    for (const id of graph.nodes()) {
      const child = children.get(id);
      const { x, y } = graph.node(id) as Point;
      if (!child) continue;
      const moved = shifted(child, x - child.width / 2, y - child.height / 2);
      boxes.push(...moved.boxes);
      placed.push(...moved.arrows);
      [width, height] = [Math.max(width, x + child.width / 2), Math.max(height, y + child.height / 2)];
    }
    for (const { from, to, arrow } of arrows) {
      const { points, x, y } = graph.edge(from, to) as EdgePlace;
      placed.push({ arrow, points, label: { x, y } });
      for (const point of points) [width, height] = [Math.max(width, point.x), Math.max(height, point.y)];
      width = Math.max(width, x + this.#measure(arrow.lines[0] ?? "", sizes.label) / 2);
    }
    const loose = parent.states.flatMap(({ id }) => (graph.hasNode(id) ? [] : (children.get(id) ?? [])));
    return withLoose({ width, height, boxes, arrows: placed }, loose);
  }

  /** A state as a box, with what is within it. */
  #boxed(state: ChartState, isInitial: boolean): Placed {
    const inner = linesOf(state.inner);
    const title = this.#measure(state.key, sizes.state) + 30;
    const widest = Math.max(
      ...inner.map((line) => this.#measure(line, sizes.inner) + 24),
      title,
      STATE_WIDTH_MIN,
    );
    const ownHeight = STATE_HEIGHT + (inner.length > 0 ? inner.length * 13 + 3 : 0);
    if (state.states.length === 0) {
      const box = { x: 0, y: 0, width: widest, height: ownHeight, state, isInitial, inner };
      return { width: widest, height: ownHeight, boxes: [box], arrows: [] };
    }
    const { padding, title: above } = sizes;
    const content = this.inside(state);
    const width = Math.max(content.width + 2 * padding, widest);
    const top = above + (ownHeight - STATE_HEIGHT) + 8;
    const height = content.height + top + padding;
    const moved = shifted(content, padding, top);
    const box = { x: 0, y: 0, width, height, state, isInitial, inner };
    return { width, height, boxes: [box, ...moved.boxes], arrows: moved.arrows };
  }

  /** The arrows between different children of a state, by these children. */
  #between(parent: ChartState): readonly Lifted[] {
    const childOf = (id: string) =>
      parent.states.find((child) => id === child.id || id.startsWith(`${child.id}.`));
    const lifted = new Map<string, Lifted>();
    for (const arrow of this.#arrows) {
      const [from, to] = [childOf(arrow.from)?.id, childOf(arrow.to)?.id];
      if (from === undefined || to === undefined || from === to) continue;
      const key = JSON.stringify([from, to]);
      const same = lifted.get(key)?.arrow;
      const lines = [...new Set([...(same?.lines ?? []), ...arrow.lines])];
      const transitions = [...(same?.transitions ?? []), ...arrow.transitions];
      lifted.set(key, { from, to, arrow: same ? { ...arrow, lines, transitions } : arrow });
    }
    return [...lifted.values()];
  }
}

interface Lifted {
  readonly from: string;
  readonly to: string;
  readonly arrow: Arrow;
}

interface EdgePlace extends Rect {
  readonly labelpos: "c";
  readonly points: Point[];
}

/** Adds states to which no arrow is drawn: in the lowest row if there is room beside it, else below. */
function withLoose(placed: Placed, loose: readonly Placed[]): Placed {
  const rowHeight = Math.max(...loose.map(({ height }) => height), 0);
  const rowWidth = loose.reduce((sum, { width }) => sum + width + GAP, -GAP);
  const beside = placed.boxes.filter((box) => box.y + box.height > placed.height - rowHeight);
  const start = beside.length > 0 ? Math.max(...beside.map((box) => box.x + box.width)) + GAP : 0;
  const isBeside = placed.boxes.length > 0 && start + rowWidth <= placed.width + GAP;
  let x = isBeside ? start : 0;
  const bottom = isBeside ? placed.height : placed.height + (placed.boxes.length > 0 ? GAP : 0) + rowHeight;
  const boxes = [...placed.boxes];
  const arrows = [...placed.arrows];
  for (const child of loose) {
    const moved = shifted(child, x, bottom - child.height);
    boxes.push(...moved.boxes);
    arrows.push(...moved.arrows);
    x += child.width + GAP;
  }
  return loose.length === 0
    ? placed
    : { width: Math.max(placed.width, x - GAP), height: bottom, boxes, arrows };
}

function shifted(placed: Placed, dx: number, dy: number): Placed {
  const move = ({ x, y }: Point): Point => ({ x: x + dx, y: y + dy });
  return {
    ...placed,
    boxes: placed.boxes.map((box) => ({ ...box, ...move(box) })),
    arrows: placed.arrows.map(({ arrow, points, label }) => {
      return { arrow, points: points.map(move), label: move(label) };
    }),
  };
}

function linesOf(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const before = lines.at(-1);
    if (before !== undefined && before.length + word.length + 2 <= INNER_CHARS)
      lines[lines.length - 1] = `${before}, ${word}`;
    else lines.push(word);
  }
  return lines.length > 3 ? [...lines.slice(0, 2), `… ${lines.length - 2} more`] : lines;
}
