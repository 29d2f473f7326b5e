import { hasEnded, type Run, type Step, type Task, type TaskEvent } from "#client/index";
import { type Colors, colorsFor, paintStatus } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine, TerminalSanitizer } from "../terminal/sanitizer.js";
import { journalLine, usageLine } from "./journal-lines.js";
import { endOf, type Show } from "./show.js";

/** Prints a task's events for people: output to stdout as it comes, everything else to stderr, a line each. */
export class EventPrinter implements Show {
  readonly #io: Io;
  readonly #colors: Colors;
  /** A sanitizer for each run, since chunks of several runs interleave and may split escape sequences. */
  readonly #filters = new Map<string, TerminalSanitizer>();
  #status = "";
  #atLineStart = true;

  constructor(io: Io) {
    this.#io = io;
    this.#colors = colorsFor(io.stderr, io);
  }

  async tell(event: TaskEvent): Promise<void> {
    switch (event.type) {
      case "output":
        return this.#output(event.output.runId, event.output.content);
      case "run":
        return this.#run(event.run);
      case "task":
        return this.#task(event.task);
      case "step":
        return this.#step(event.step);
      case "event": {
        const facts = Object.entries(event.event.metadata).map(([name, value]) => ` ${name}=${value}`);
        return this.note(this.#colors.dim(oneLine(`${event.event.kind}${facts.join("")}`)));
      }
      case "chat":
        return this.note(`${event.chat.role}: ${oneLine(event.chat.content)}`);
      case "journal":
        return this.note(this.#colors.dim(journalLine(event.journal)));
      case "usage":
        return this.note(this.#colors.dim(usageLine(event.usage)));
    }
  }

  /** Prints a line to stderr, after a line break if output on the same terminal has not ended its line. */
  async note(text: string): Promise<void> {
    const { stdout, stderr } = this.#io;
    const breakLine = !this.#atLineStart && stdout.isTTY && stderr.isTTY;
    this.#atLineStart = this.#atLineStart || breakLine;
    await stderr.write(`${breakLine ? "\n" : ""}${text}\n`);
  }

  async close(): Promise<void> {}

  /** Prints output: unchanged into a pipe, sanitized on a terminal. */
  async #output(runId: string, content: string): Promise<void> {
    const { stdout } = this.#io;
    const filter = this.#filters.get(runId) ?? new TerminalSanitizer();
    this.#filters.set(runId, filter);

    const text = stdout.isTTY ? filter.pass(content) : content;
    if (text === "") return;
    this.#atLineStart = text.endsWith("\n");
    await stdout.write(text);
  }

  async #run(run: Run): Promise<void> {
    const { attempt, stepName, workerId, status, reason, errorMessage } = run;
    const where = workerId === "" ? "" : ` on worker ${oneLine(workerId)}`;
    const why = [reason, errorMessage].filter((text) => text !== "" && text !== status).join(": ");
    const step = stepName === "main" ? "" : ` of ${oneLine(stepName)}`;
    await this.note(
      `attempt ${attempt}${step}${where}: ${paintStatus(this.#colors, status)}${why && `, ${oneLine(why)}`}`,
    );
    if (status !== "ASSIGNED" && status !== "RUNNING") this.#filters.delete(run.id);
  }

  /** Prints what the events of runs do not show. */
  async #step({ name, state, type, errorMessage, childTaskId }: Step): Promise<void> {
    const step = oneLine(name);
    if (state === "waiting_for_retry") {
      return this.note(`${step} will be retried: ${oneLine(errorMessage) || "no reason given"}`);
    }
    if (state === "resolved_manually") return this.note(`${step} was resolved by hand`);
    if (state !== "in_progress") return;
    if (type === "signal") return this.note(`${step} waits for a signal`);
    if (type === "timer") return this.note(`${step} waits for its timer`);
    if (childTaskId !== "") return this.note(`${step} is task ${oneLine(childTaskId)}`);
  }

  async #task(task: Task): Promise<void> {
    if (task.status === this.#status) return;
    this.#status = task.status;
    if (!hasEnded(task)) return;
    for (const text of endOf(task, this.#colors, this.#io)) await this.note(text);
  }
}
