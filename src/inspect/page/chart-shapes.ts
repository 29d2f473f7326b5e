import { type Box, type Measure, type PlacedArrow, type Point, sizes } from "../view/layout.js";
import { setAttributes, svg } from "./elements.js";

/** The arrows' tips, in the colours of the style sheet. */
export function drawDefinitions(): SVGElement {
  const tip = (id: string) =>
    svg(
      "marker",
      {
        id,
        class: id,
        viewBox: "0 0 8 8",
        refX: 7,
        refY: 4,
        markerWidth: 8,
        markerHeight: 8,
        markerUnits: "userSpaceOnUse",
        orient: "auto-start-reverse",
      },
      svg("path", { d: "M0 0.8 7.5 4 0 7.2z" }),
    );
  return svg("defs", {}, tip("tip"), tip("tip-taken"));
}

/** A state: its name, what it handles inside, a second frame if it is final, a dot if its parent begins in it. */
export function boxOf({ state, isInitial, inner, x, y, width, height }: Box): SVGElement {
  const { id, key, kind, description } = state;
  const group = svg("g", { class: `state ${kind}`, "data-id": id });
  const about = [key, description, state.inner.length > 0 ? `handles ${state.inner.join(", ")}` : ""];
  group.append(svg("title", {}, about.filter((text) => text !== "").join("\n")));
  const isContainer = state.states.length > 0;
  const radius = isContainer ? 12 : Math.min(height / 2, 9);
  group.append(svg("rect", { class: "outline", x, y, width, height, rx: radius }));
  if (kind === "final") {
    group.append(
      svg("rect", {
        class: "final-line",
        x: x + 3,
        y: y + 3,
        width: width - 6,
        height: height - 6,
        rx: radius - 3,
      }),
    );
  }
  const centre = isContainer ? x + 14 : x + width / 2;
  const anchor = isContainer ? "start" : "middle";
  const first = isContainer ? y + 19 : y + (inner.length > 0 ? 17 : height / 2 + 4.5);
  group.append(svg("text", { class: "key", x: centre, y: first, "text-anchor": anchor }, key));
  for (const [i, line] of inner.entries()) {
    group.append(
      svg("text", { class: "inner", x: centre, y: first + 14 + i * 13, "text-anchor": anchor }, line),
    );
  }
  if (isInitial && !isContainer) {
    group.append(svg("circle", { class: "initial", cx: x, cy: y + height / 2, r: 4.5 }));
  }
  return group;
}

export function drawArrow({ arrow, points, label }: PlacedArrow, measure: Measure): SVGElement {
  const group = svg("g", { class: "arrow", "data-from": arrow.from, "data-to": arrow.to });
  const isAlways = arrow.transitions.every(({ kind }) => kind === "always");
  setAttributes(group, { "data-always": isAlways ? "yes" : undefined });
  group.append(svg("path", { class: "line", d: curve(points), "marker-end": "url(#tip)" }));
  const top = label.y - (arrow.lines.length * sizes.lineHeight) / 2;
  const width = Math.max(...arrow.lines.map((line) => measure(line, sizes.label))) + 6;
  const height = arrow.lines.length * sizes.lineHeight;
  group.append(svg("rect", { class: "label-back", x: label.x - width / 2, y: top, width, height, rx: 3 }));
  for (const [i, line] of arrow.lines.entries()) {
    const y = top + i * sizes.lineHeight + 10.5;
    group.append(svg("text", { class: "label", x: label.x, y, "text-anchor": "middle" }, line));
  }
  return group;
}

/** A line between two states that have no arrow of their own. */
export function drawDirect(from: Box, to: Box, event: string): SVGElement {
  const [start, end] = [border(from, to), border(to, from)];
  const bend = {
    x: (start.x + end.x) / 2 + (end.y - start.y) * 0.12,
    y: (start.y + end.y) / 2 - (end.x - start.x) * 0.12,
  };
  const group = svg("g", { class: "arrow", "data-taken": "yes" });
  const d = `M${start.x} ${start.y} Q${bend.x} ${bend.y} ${end.x} ${end.y}`;
  group.append(
    svg("path", { class: "line", d, "marker-end": "url(#tip-taken)" }),
    svg("text", { class: "label halo", x: bend.x, y: bend.y, "text-anchor": "middle" }, event),
  );
  return group;
}

/** Where the line from a box's middle to another one's leaves it. */
function border(box: Box, other: Box): Point {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const [dx, dy] = [other.x + other.width / 2 - x, other.y + other.height / 2 - y];
  const across = Math.min(
    box.width / 2 / Math.max(Math.abs(dx), 0.1),
    box.height / 2 / Math.max(Math.abs(dy), 0.1),
  );
  return { x: x + dx * across, y: y + dy * across };
}

/** Most of the radius of a corner. */
const CORNER = 22;

/** A line along points, with round corners: it passes where its label stands. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  const parts = [`M${round(first)}`];
  for (const [i, corner] of rest.entries()) {
    const [before, after] = [points[i], rest[i + 1]];
    if (!before || !after) parts.push(`L${round(corner)}`);
    else
      parts.push(`L${round(towards(corner, before))}`, `Q${round(corner)} ${round(towards(corner, after))}`);
  }
  return parts.join(" ");
}

/** The point near a corner at which its curve begins or ends. */
function towards(corner: Point, other: Point): Point {
  const [dx, dy] = [other.x - corner.x, other.y - corner.y];
  const length = Math.max(Math.hypot(dx, dy), 0.1);
  const part = Math.min(CORNER, length / 2) / length;
  return { x: corner.x + dx * part, y: corner.y + dy * part };
}

function round({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
