import { type Chart, layoutChart } from "../view/layout.js";
import { activeStates, type ChartTransition, type Machine } from "../view/machine.js";
import { label, stateOf, toneOf } from "../view/names.js";
import { transitionsTaken } from "../view/taken.js";
import type { Actor } from "../view/world.js";
import { boxOf, drawArrow, drawDefinitions, drawDirect } from "./chart-shapes.js";
import { byId, element, setAttributes, setText, svg } from "./elements.js";

/** A chart is drawn neither smaller than its text can be read nor larger than it looks well. */
const SCALE_MIN = 0.7;
const SCALE_MAX = 1.3;
const MARGIN = 14;

/** Measures texts as the chart's font draws them. */
const canvas = document.createElement("canvas").getContext("2d");
const family = getComputedStyle(document.body).fontFamily;
function measure(text: string, size: number): number {
  if (!canvas) return text.length * size * 0.6;
  canvas.font = `${size}px ${family}`;
  return canvas.measureText(text).width;
}

/** The chart of one actor's machine, with its current state lit and the transition taken last marked. */
export class ChartPane {
  readonly #box = byId("chart");
  #machine: Machine | undefined;
  #chart: Chart | undefined;
  #frame = "";
  #actor: Actor | undefined;
  #scrolledTo = "";

  constructor() {
    new ResizeObserver(() => this.show(this.#actor)).observe(this.#box);
  }

  show(actor: Actor | undefined): void {
    this.#actor = actor;
    this.#showHead(actor);
    if (!actor?.machine) {
      this.#machine = undefined;
      this.#frame = "";
      const text = actor ? "This actor has come without a definition." : "Select an actor to see its chart.";
      this.#box.replaceChildren(element("p", { class: "empty" }, text));
      byId("exits").hidden = true;
      return;
    }
    const { clientWidth: width, clientHeight: height } = this.#box;
    const frame = `${width}×${height}`;
    if (actor.machine !== this.#machine || frame !== this.#frame) {
      this.#machine = actor.machine;
      this.#frame = frame;
      this.#draw(actor.machine, { width: width - 2 * MARGIN, height: height - 2 * MARGIN });
    }
    this.#light(actor, actor.machine);
  }

  #showHead(actor: Actor | undefined): void {
    setText(byId("chart-title"), actor ? label(actor.id) : "Chart");
    const chip = byId("chart-state");
    chip.hidden = !actor;
    if (actor) {
      setText(chip, stateOf(actor));
      setAttributes(chip, { "data-tone": toneOf(actor) });
    }
    setText(byId("chart-last"), actor?.last?.message ? `after ${actor.last.message}` : "");
  }

  #draw(machine: Machine, frame: { readonly width: number; readonly height: number }): void {
    const chart = layoutChart(machine, measure, {
      width: Math.max(frame.width, 200),
      height: Math.max(frame.height, 160),
    });
    this.#chart = chart;
    const fit = Math.min(frame.width / chart.width, frame.height / chart.height);
    const scale = Math.min(Math.max(fit, SCALE_MIN), SCALE_MAX);
    const [width, height] = [chart.width + 2 * MARGIN, chart.height + 2 * MARGIN];
    const picture = svg("svg", {
      class: "picture",
      role: "img",
      viewBox: `${-MARGIN} ${-MARGIN} ${width} ${height}`,
      width: Math.round(width * scale),
      height: Math.round(height * scale),
    });
    picture.append(
      drawDefinitions(),
      svg("g", { class: "boxes" }, ...chart.boxes.map((box) => boxOf(box))),
      svg("g", { class: "arrows" }, ...chart.arrows.map((arrow) => drawArrow(arrow, measure))),
      svg("g", { class: "direct" }),
    );
    this.#box.replaceChildren(picture);
    this.#showExits(chart, machine);
  }

  /** What is written below the chart instead of drawn from every state. */
  #showExits(chart: Chart, machine: Machine): void {
    const box = byId("exits");
    const keyOf = (id: string) => machine.states.get(id)?.key ?? id;
    box.hidden = chart.exits.length === 0 && !machine.isCut;
    const lines = chart.exits.map(({ events, to, from }) =>
      element(
        "p",
        { "data-to": to, title: `from ${from.map(keyOf).join(", ")}` },
        element("b", {}, events),
        ` → ${keyOf(to)} `,
        element(
          "span",
          { class: "quiet" },
          from.length > 3 ? `from ${from.length} states` : `from ${from.map(keyOf).join(", ")}`,
        ),
      ),
    );
    if (machine.isCut)
      lines.push(element("p", { class: "quiet" }, "The machine is larger than what is drawn."));
    box.replaceChildren(...lines);
  }

  #light(actor: Actor, machine: Machine): void {
    const active = activeStates(machine, actor.snapshot.value);
    const taken = actor.last
      ? transitionsTaken(machine, actor.last.from, actor.last.message, actor.snapshot.value)
      : [];
    const left = new Set(taken.map(({ from }) => from));
    for (const group of this.#box.querySelectorAll<SVGGElement>("g.state")) {
      const id = group.dataset.id ?? "";
      const isActive = active.has(id);
      const tone = isActive ? toneOf(actor) : undefined;
      setAttributes(group, {
        "data-active": isActive ? "yes" : undefined,
        "data-tone": tone,
        "data-left": left.has(id) ? "yes" : undefined,
      });
    }
    const isTaken = (from: string, to: string) => taken.some((each) => each.from === from && each.to === to);
    const drawn = new Set<ChartTransition>();
    this.#chart?.arrows.forEach(({ arrow }, i) => {
      const group =
        this.#box.querySelector(`g.arrow[data-index="${i}"]`) ?? this.#box.querySelectorAll("g.arrow")[i];
      const isLit = isTaken(arrow.from, arrow.to);
      if (isLit)
        for (const each of taken) if (each.from === arrow.from && each.to === arrow.to) drawn.add(each);
      if (group) setAttributes(group, { "data-taken": isLit ? "yes" : undefined });
    });
    this.#drawUndrawn(taken.filter((each) => !drawn.has(each) && each.from !== each.to));
    const text = `Chart of ${machine.id}; it is in ${stateOf(actor)}`;
    const picture = this.#box.querySelector("svg.picture");
    if (picture) setAttributes(picture, { "aria-label": text });
    this.#scrollTo(actor);
  }

  /** Draws what was taken and is otherwise only written below the chart. */
  #drawUndrawn(taken: readonly ChartTransition[]): void {
    const group = this.#box.querySelector("g.direct");
    const boxes = this.#chart?.boxes ?? [];
    const lines = taken.flatMap(({ from, to, event }) => {
      const [start, end] = [from, to].map((id) => boxes.find(({ state }) => state.id === id));
      return start && end ? [drawDirect(start, end, event)] : [];
    });
    group?.replaceChildren(...lines);
    for (const line of byId("exits").querySelectorAll<HTMLElement>("p[data-to]")) {
      const isTaken = taken.some(({ to, event }) => {
        return line.dataset.to === to && line.firstChild?.textContent?.split(", ").includes(event);
      });
      setAttributes(line, { "data-taken": isTaken ? "yes" : undefined });
    }
  }

  /** Brings the lit state into view when it changes, where the chart is larger than its pane. */
  #scrollTo(actor: Actor): void {
    const key = `${actor.id} ${stateOf(actor)} ${this.#frame}`;
    if (key === this.#scrolledTo) return;
    this.#scrolledTo = key;
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = this.#box;
    if (scrollWidth <= clientWidth && scrollHeight <= clientHeight) return;
    const lit = [...this.#box.querySelectorAll("g.state[data-active]")].at(-1);
    lit?.scrollIntoView({ block: "center", inline: "center" });
  }
}
