import { inspectPage } from "#limits/inspect-page";
import { label, type Tone, toneOfState } from "../view/names.js";
import { deadlineText, type Situation, type SituationKind, situationsOf } from "../view/situation.js";
import type { World } from "../view/world.js";
import { byId, element } from "./elements.js";

const tones: Readonly<Record<SituationKind, Tone>> = {
  WAITING_FOR_WORKER: "waiting",
  IN_BACKOFF: "waiting",
  AT_TIMER: "waiting",
  AT_SIGNAL: "waiting",
  AT_CHILD: "waiting",
  HELD_BY_FAILURES: "failed",
  WORKER_LOST: "failed",
  COMPENSATING: "failed",
  WAITING_FOR_START: "waiting",
  WAITING_FOR_DEPENDENCIES: "waiting",
  RUNNING: "running",
  ENDED: "idle",
};

/** What the selected Task waits for, in a line for each of its Steps. */
export class SituationStrip {
  readonly #box = byId("situation");
  #shown = "";

  show(taskId: string, world: World, now: number): void {
    const all = taskId === "" ? [] : situationsOf(taskId, world);
    const shown = all.slice(0, inspectPage.situationSteps);
    const text = JSON.stringify([
      taskId,
      all.length,
      shown.map((each) => [each, deadlineText(each.deadline, each.kind, now)]),
    ]);
    if (text === this.#shown) return;
    this.#shown = text;
    const more = all.length - shown.length;
    const rest =
      more > 0
        ? [element("p", { class: "quiet more" }, `And ${more} more ${more === 1 ? "Step" : "Steps"}.`)]
        : [];
    const empty =
      all.length === 0
        ? [element("p", { class: "quiet" }, "Select a Task to read here what it waits for.")]
        : [];
    const title = all.length === 0 ? [] : [element("h2", {}, label(`task:${taskId}`))];
    this.#box.replaceChildren(...title, ...shown.map((each) => lineOf(each, now)), ...rest, ...empty);
  }
}

function lineOf(situation: Situation, now: number): HTMLElement {
  const { kind, state, step, stepState, text, deadline } = situation;
  const who =
    step === ""
      ? []
      : [
          element("b", {}, `Step ${step}`),
          " ",
          element("span", { class: "step-state" }, `(${stepState})`),
          " ",
        ];
  return element(
    "p",
    { class: "situation-line", "data-kind": kind, "data-tone": tones[kind] },
    element("span", { class: "chip", "data-tone": toneOfState(state) ?? "idle" }, state),
    " ",
    element("span", { class: "what" }, ...who, `${text}.`),
    " ",
    element("span", { class: deadline ? "deadline" : "deadline none" }, deadlineText(deadline, kind, now)),
  );
}
