import { type Loose, looseOf } from "../view/event.js";
import { History } from "../view/history.js";
import { byId } from "./elements.js";

const INSPECTOR = "https://stately.ai/inspect";

/**
 * The bridge to Stately's inspector: opens it in a window, which says when it is ready, and forwards the events as
 * `createBrowserInspector` of `@statelyai/inspect` does. Nothing is sent before the user has agreed.
 */
export class StatelyBridge {
  #window: Window | null = null;
  #isReady = false;
  readonly #history = new History();

  constructor() {
    const dialog = byId<HTMLDialogElement>("leave");
    byId("stately").addEventListener("click", () => {
      dialog.returnValue = "";
      dialog.showModal();
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "leave") this.#open();
    });
    window.addEventListener(
      "message",
      ({ source, origin, data }: MessageEvent<{ type?: unknown } | null>) => {
        if (source !== this.#window || origin !== new URL(INSPECTOR).origin) return;
        if (data?.type !== "@statelyai.connected") return;
        this.#isReady = true;
        for (const event of this.#history.events()) this.#post(event);
      },
    );
  }

  /** @param json an event of the protocol */
  send(json: string): void {
    this.#history.add(json);
    if (this.#isReady && this.#window?.closed) this.#isReady = false;
    if (this.#isReady) this.#post(looseOf(JSON.parse(json)));
  }

  #open(): void {
    this.#isReady = false;
    this.#window = window.open(INSPECTOR, "xstateinspector");
  }

  #post(event: Loose): void {
    this.#window?.postMessage(event, new URL(INSPECTOR).origin);
  }
}
