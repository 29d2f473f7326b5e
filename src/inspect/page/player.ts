import { inspectPage } from "#limits/inspect-page";
import { byId, setAttributes, setText } from "./elements.js";

/**
 * Where in the sequence of messages the page stands: at the newest one, live, or at an earlier one.
 */
export class Player {
  readonly #slider = byId<HTMLInputElement>("slider");
  readonly #changed: () => void;
  /** Index of the row that has happened last; undefined for the newest. */
  #cursor: number | undefined;
  #count = 0;
  #playing: number | undefined;

  constructor(changed: () => void) {
    this.#changed = changed;
    const on = (id: string, act: () => void) => byId(id).addEventListener("click", act);
    on("first", () => this.goTo(0));
    on("back", () => this.step(-1));
    on("next", () => this.step(1));
    on("play", () => this.playOrPause());
    on("live", () => this.goTo(this.isLive ? this.#count - 1 : undefined));
    this.#slider.addEventListener("input", () => this.goTo(Number(this.#slider.value)));
  }

  get cursor(): number | undefined {
    return this.#cursor;
  }

  get isLive(): boolean {
    return this.#cursor === undefined;
  }

  /** @param index undefined for the newest, and those that follow it */
  goTo(index: number | undefined): void {
    this.#pause();
    this.#set(index);
  }

  step(by: number): void {
    this.goTo((this.#cursor ?? this.#count - 1) + by);
  }

  playOrPause(): void {
    if (this.#playing !== undefined) {
      this.#pause();
      this.#changed();
      return;
    }
    if (this.isLive) {
      this.goTo(this.#count - 1);
      return;
    }
    if (this.#cursor === this.#count - 1) this.#set(0);
    this.#playing = window.setInterval(() => {
      if ((this.#cursor ?? this.#count) >= this.#count - 1) this.#pause();
      this.#set((this.#cursor ?? this.#count - 1) + 1);
    }, inspectPage.playEvery);
    this.#changed();
  }

  /** @param dropped rows that are not there any more, from the front */
  show(count: number, dropped: number): void {
    this.#count = count;
    if (this.#cursor !== undefined) this.#cursor = Math.max(Math.min(this.#cursor - dropped, count - 1), 0);
    const at = this.#cursor ?? count - 1;
    setAttributes(this.#slider, {
      max: Math.max(count - 1, 0),
      "aria-valuetext": `message ${at + 1} of ${count}`,
    });
    this.#slider.value = String(at);
    this.#slider.style.setProperty("--played", count > 1 ? `${(at / (count - 1)) * 100}%` : "0%");
    setText(byId("place"), `${Math.max(at + 1, 0)} of ${count}`);
    const isPlaying = this.#playing !== undefined || this.isLive;
    setAttributes(byId("live"), { "aria-pressed": String(this.isLive) });
    setAttributes(byId("play"), {
      "data-playing": isPlaying ? "yes" : undefined,
      "aria-label": isPlaying ? "Pause" : "Play",
    });
    setAttributes(document.body, { "data-live": this.isLive ? "yes" : undefined });
  }

  #set(index: number | undefined): void {
    this.#cursor = index === undefined ? undefined : Math.max(Math.min(index, this.#count - 1), 0);
    this.#changed();
  }

  #pause(): void {
    window.clearInterval(this.#playing);
    this.#playing = undefined;
  }
}
