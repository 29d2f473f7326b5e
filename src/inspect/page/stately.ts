import { inspectPage } from "#limits/inspect-page";
import { byId } from "./elements.js";

const INSPECTOR = "https://stately.ai/inspect";

/**
 * The bridge to Stately's inspector: opens it in a window, which says when it is ready, and forwards the events as
 * `createBrowserInspector` of `@statelyai/inspect` does. Nothing is sent before the user has agreed.
 */
export class StatelyBridge {
  #window: Window | null = null;
  #isReady = false;
  /** The newest events, for a window that is opened later; of actors, the first event of each is kept apart. */
  readonly #actors = new Map<string, string>();
  readonly #events: string[] = [];

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
        for (const json of [...this.#actors.values(), ...this.#events]) this.#post(json);
      },
    );
  }

  send(json: string, sessionId: string, isActor: boolean): void {
    if (this.#isReady && this.#window?.closed) this.#isReady = false;
    if (this.#isReady) this.#post(json);
    if (isActor) {
      this.#actors.set(sessionId, json);
      const oldest =
        this.#actors.size > inspectPage.keptActors ? this.#actors.keys().next().value : undefined;
      if (oldest !== undefined) this.#actors.delete(oldest);
      return;
    }
    this.#events.push(json);
    if (this.#events.length > inspectPage.keptEvents) this.#events.splice(0, inspectPage.eventsPerCheckpoint);
  }

  #open(): void {
    this.#isReady = false;
    this.#window = window.open(INSPECTOR, "xstateinspector");
  }

  #post(json: string): void {
    this.#window?.postMessage(JSON.parse(json), new URL(INSPECTOR).origin);
  }
}
