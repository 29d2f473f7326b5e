import type { Run, Step, Task, TaskEvent } from "#client/index";
import { limits } from "#limits/index";
import { oneLine, TerminalSanitizer } from "../terminal/sanitizer.js";
import { journalLine, usageLine } from "./journal-lines.js";

/** The latest output of one run. */
interface Tail {
  readonly filter: TerminalSanitizer;
  /** The current, unfinished line. */
  line: string;
  /** The last line that was not empty. */
  shown: string;
}

/** The state of a watched task, built from its events: its steps, and the last line of each one's output. */
export class ProgressView {
  #task: Task;
  readonly #steps: Map<string, Step>;
  /** The step of each live run. */
  readonly #stepOf: Map<string, string>;
  readonly #tails = new Map<string, Tail>();
  readonly #remarks = new Map<string, string>();

  constructor(task: Task) {
    this.#task = task;
    this.#steps = new Map(task.steps.map((step) => [step.name, step]));
    this.#stepOf = new Map(task.runs.map(({ id, stepName }) => [id, stepName]));
  }

  get task(): Task {
    return this.#task;
  }

  /** The steps in the order in which they were created. */
  get steps(): readonly Step[] {
    return [...this.#steps.values()];
  }

  /** Returns a step's latest output, sanitized and on one line. */
  remarkOf(stepName: string): string {
    return this.#remarks.get(stepName) ?? "";
  }

  tell(event: TaskEvent): void {
    switch (event.type) {
      case "task": {
        const { status, state, errorMessage, finishedAtMs, outputJson } = event.task;
        this.#task = { ...this.#task, status, state, errorMessage, finishedAtMs, outputJson };
        break;
      }
      case "step":
        this.#steps.set(event.step.name, event.step);
        break;
      case "run":
        this.#run(event.run);
        break;
      case "output":
        this.#output(event.output.runId, event.output.content);
        break;
      case "event": {
        const facts = Object.entries(event.event.metadata).map(([name, value]) => ` ${name}=${value}`);
        this.#remark(event.event.runId, oneLine(`${event.event.kind}${facts.join("")}`));
        break;
      }
      case "chat":
        this.#remark(event.chat.runId, oneLine(`${event.chat.role}: ${event.chat.content}`));
        break;
      case "journal":
        this.#remark(event.journal.record.runId, journalLine(event.journal));
        break;
      case "usage":
        this.#remark(event.usage.runId, usageLine(event.usage));
        break;
    }
  }

  #run({ id, stepName, status }: Run): void {
    this.#stepOf.set(id, stepName);
    // A new attempt has no output yet.
    if (status === "ASSIGNED") this.#remarks.delete(stepName);
    if (status === "ASSIGNED" || status === "RUNNING") return;
    this.#tails.delete(id);
    this.#stepOf.delete(id);
  }

  #output(runId: string, content: string): void {
    const tail = this.#tails.get(runId) ?? { filter: new TerminalSanitizer(), line: "", shown: "" };
    this.#tails.set(runId, tail);

    const lines = (tail.line + tail.filter.pass(content)).split("\n");
    tail.line = lines.at(-1)?.slice(-limits.shownOutputChars) ?? "";
    tail.shown = lines.findLast((text) => text.trim() !== "") ?? tail.shown;
    this.#remark(runId, tail.shown.replaceAll("\t", " "));
  }

  #remark(runId: string, text: string): void {
    const stepName = this.#stepOf.get(runId);
    if (stepName !== undefined) this.#remarks.set(stepName, text.slice(-limits.shownOutputChars));
  }
}
