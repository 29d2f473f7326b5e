import { kindOf, taskOf } from "../view/names.js";
import { type Row, Timeline } from "../view/timeline.js";
import type { World } from "../view/world.js";
import { ChartPane } from "./chart-pane.js";
import { ContextPane } from "./context-pane.js";
import { byId, setAttributes, setText } from "./elements.js";
import { startKeys } from "./keys.js";
import { Player } from "./player.js";
import { SequencePane } from "./sequence-pane.js";
import { SituationStrip } from "./situation-strip.js";
import { type ConnectionState, Source } from "./source.js";
import { StatelyBridge } from "./stately.js";
import { startTheme } from "./theme.js";
import { TreePane } from "./tree-pane.js";

/**
 * The page `/inspect`: keeps what the server's stream tells, and shows it as of the message at which the player stands.
 */
class Page {
  readonly #timeline = new Timeline();
  readonly #bridge = new StatelyBridge();
  readonly #chart = new ChartPane();
  readonly #context = new ContextPane();
  readonly #situation = new SituationStrip();
  readonly #filter = byId<HTMLInputElement>("filter");
  readonly #tree = new TreePane((id) => this.select(id));
  readonly #sequence = new SequencePane((row, index) => this.#choose(row, index));
  readonly player = new Player(() => this.draw());
  #selected = "";
  /** True once the user has chosen an actor: then the page chooses none. */
  #hasChosen = false;
  /** Events that the server has dropped, or that could not be read. */
  #missed = 0;
  #firstRow = 0;
  #isScheduled = false;

  constructor(task: string) {
    this.#filter.value = task;
    this.#filter.addEventListener("input", () => {
      this.player.goTo(undefined);
      this.#hasChosen = false;
      this.draw();
    });
    // Opens the page anew, so that the server sends this Task's log, or everything again.
    this.#filter.addEventListener("keydown", ({ key }) => {
      const { task } = this;
      if (key !== "Enter") return;
      if (WHOLE_ID.test(task)) location.search = `?task=${task}`;
      else if (task === "" && location.search !== "") location.search = "";
    });
  }

  get task(): string {
    return this.#filter.value.trim().toLowerCase();
  }

  select(id: string): void {
    this.#selected = id;
    this.#hasChosen = true;
    this.draw();
  }

  /** Begins with the log of the Task that the address names, if it names one; then follows what happens. */
  start(): void {
    const { task } = this;
    if (WHOLE_ID.test(task)) this.#follow(`../tasks/${task}/events`, true);
    else this.#follow("../events", false);
  }

  #follow(path: string, isLog: boolean): void {
    new Source(path, isLog, {
      event: (event, json) => {
        this.#timeline.add(event);
        this.#bridge.send(json);
        this.#schedule();
      },
      dropped: (count) => {
        this.#missed += count;
        this.#timeline.note(`${count} ${count === 1 ? "event was" : "events were"} dropped`, Date.now());
        this.#schedule();
      },
      state: (state) => this.#connection(state),
      logRead: (isOver) => {
        if (isOver) this.#connection("replay", "replay of an ended Task");
        else this.#follow(`../events?task=${this.task}`, false);
      },
    });
  }

  #connection(state: ConnectionState, text: string = state): void {
    const pill = byId("connection");
    const before = pill.dataset.state;
    if (state === "live" && before === "reconnecting") {
      this.#timeline.note("connected again; what happened in between is not shown", Date.now());
      this.#schedule();
    }
    setAttributes(pill, { "data-state": state });
    setText(pill.lastElementChild ?? pill, state === "refused" ? this.#refusal() : text);
  }

  #refusal(): string {
    return this.#timeline.count === 0 && WHOLE_ID.test(this.task) ? "no such Task" : "the server has refused";
  }

  /** Chooses an earlier message: the page shows what was then, and who it was for. */
  #choose(row: Row, index: number): void {
    if (row.kind !== "note") this.#selected = row.to;
    this.#hasChosen = true;
    this.player.goTo(index);
  }

  /** Draws soon: events come by the thousand, and an eye takes ten pictures a second. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => requestAnimationFrame(() => this.draw()), DRAW_MS);
  }

  draw(): void {
    this.#isScheduled = false;
    const rows = this.#rows();
    const before = this.#firstRow;
    this.#firstRow = this.#timeline.rows[0]?.n ?? 0;
    const isWhole = this.task === "";
    this.player.show(rows.length, isWhole && before > 0 ? this.#firstRow - before : 0);
    const { cursor } = this.player;
    const world =
      cursor === undefined ? this.#timeline.world : this.#timeline.worldAt(rows[cursor]?.upTo ?? 0);
    if (!this.#hasChosen) this.#selectFirst(world);
    this.#tree.show(world, this.task, this.#selected);
    this.#chart.show(world.get(this.#selected));
    this.#sequence.show(rows, cursor);
    this.tick(world, cursor === undefined ? undefined : rows[cursor]?.at);
    this.#showDropped();
  }

  /** What depends on the time. @param at when the page shows an earlier message: its time */
  tick(world: World, at?: number): void {
    const now = at ?? Date.now();
    this.#context.show(world.get(this.#selected), now);
    this.#situation.show(taskOf(this.#selected, world), world, now);
  }

  tickLive(): void {
    if (this.player.isLive) this.tick(this.#timeline.world);
  }

  #rows(): readonly Row[] {
    const { task } = this;
    const { rows } = this.#timeline;
    return task === "" ? rows : rows.filter((row) => row.kind === "note" || row.task.startsWith(task));
  }

  /** The newest Task that the filter leaves; without one, the first actor. */
  #selectFirst(world: World): void {
    let first = "";
    for (const { id } of world.values()) {
      if (kindOf(id) === "task" && taskOf(id, world).startsWith(this.task)) this.#selected = id;
      if (first === "" && kindOf(id) === "actor") first = id;
    }
    if (!world.has(this.#selected)) this.#selected = first;
  }

  #showDropped(): void {
    const { droppedEvents, droppedActors } = this.#timeline;
    const parts = [
      this.#missed > 0 ? `${this.#missed} events dropped by the server` : "",
      droppedEvents > 0 ? `${droppedEvents} older events not kept` : "",
      droppedActors > 0 ? `${droppedActors} ended actors not kept` : "",
    ].filter((text) => text !== "");
    const box = byId("dropped");
    box.hidden = parts.length === 0;
    setText(box, parts.join(" · "));
  }
}

const DRAW_MS = 80;
const TICK_MS = 1_000;

const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const page = new Page(new URLSearchParams(location.search).get("task") ?? "");
startTheme();
startKeys(page);
page.draw();
page.start();
setInterval(() => page.tickLive(), TICK_MS);
