import type { LogEntry, RunChanged, StepChanged, TaskChanged } from "#domain/task/log";
import type { TaskState } from "#domain/task/task";
import { isTerminal } from "#domain/task/task";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { Commit } from "#ports/store-turns";
import type { Book } from "./book.js";
import { spanText } from "./span.js";

interface Line {
  /** The Task that it is about; empty if it is about a worker or the plane. */
  readonly taskId: string;
  readonly at: number;
  readonly text: string;
}

/** Longer error messages are cut. */
const MESSAGE_BYTES = 200;

const taskTexts: Partial<Record<TaskState, string>> = {
  pending: "created",
  blocked_by_failures: "waits for an operator",
  complete: "COMPLETED",
  error: "FAILED",
  cancelled: "CANCELLED",
  resolved_manually: "COMPLETED by an operator",
};

/** What has happened in a plane, a line each, in order. */
export class Story {
  readonly #book: Book;
  readonly #start: number;
  readonly #lines: Line[] = [];
  #dropped = 0;
  /** Tasks whose start has been told. */
  readonly #begun = new Set<string>();

  /** @param start instants are told as the time since then */
  constructor(book: Book, start: number) {
    this.#book = book;
    this.#start = start;
  }

  /** Call after a commit, once the book has it. */
  committed({ at, log }: Commit): void {
    for (const { taskId, entries } of log) {
      for (const entry of entries) {
        const text = this.#textOf(taskId, entry);
        if (text !== undefined) this.#add({ taskId, at, text: `${this.#book.nameOf(taskId)}${text}` });
      }
    }
  }

  /** Adds what happened to a worker, or to the plane. */
  tell(at: number, text: string): void {
    this.#add({ taskId: "", at, text });
  }

  /** All lines, or those of one Task. */
  text(taskId?: string): string {
    const chosen = this.#lines.filter((line) => taskId === undefined || line.taskId === taskId);
    const times = chosen.map(({ at }) => spanText(at - this.#start));
    const width = Math.max(0, ...times.map(({ length }) => length));
    const first = this.#dropped > 0 ? [`(${this.#dropped} earlier lines are not kept)`] : [];
    return [...first, ...chosen.map(({ text }, i) => `${times[i]?.padStart(width)}  ${text}`)].join("\n");
  }

  #add(line: Line): void {
    this.#lines.push(line);
    if (this.#lines.length <= limits.transcriptLines) return;
    this.#lines.shift();
    this.#dropped += 1;
  }

  /** Undefined for states that are passed through, and for what agents say. */
  #textOf(taskId: string, entry: LogEntry): string | undefined {
    if (entry.type === "task") return this.#taskText(taskId, entry);
    if (entry.type === "step") return this.#stepText(taskId, entry);
    return entry.type === "run" ? this.#runText(entry) : undefined;
  }

  #taskText(taskId: string, { state, errorMessage, reason }: TaskChanged): string | undefined {
    const text = taskTexts[state];
    if (text !== undefined) return `: ${text}${isTerminal(state) ? why(errorMessage, reason) : ""}`;
    if (this.#begun.has(taskId)) return undefined;
    this.#begun.add(taskId);
    return ": begun";
  }

  #stepText(taskId: string, { step }: StepChanged): string | undefined {
    const { name, state, type, agentName, attempts, nextAttemptAt, errorMessage } = step;
    const text = (() => {
      switch (state) {
        case "waiting_for_retry":
          return `waits for attempt ${attempts + 1}, until ${spanText(nextAttemptAt - this.#start)}`;
        case "in_progress":
          return agentName === "" ? this.#waitText(taskId, name, type) : undefined;
        case "complete":
          return "complete";
        case "error":
          return `failed${why(errorMessage, "")}`;
        case "cancelled":
          return "cancelled";
        case "resolved_manually":
          return "completed by an operator";
        default:
          return undefined;
      }
    })();
    return text === undefined ? undefined : `, Step ${name}: ${text}`;
  }

  #waitText(taskId: string, name: string, type: string): string {
    const spec = this.#book.of(taskId)?.steps.get(name)?.spec;
    if (spec?.signal) return `waits for signal ${spec.signal.name}`;
    if (spec?.delayMs !== undefined) return `waits for its timer of ${spanText(spec.delayMs)}`;
    if (spec?.child) return "waits for its child Task";
    return `begun (${type})`;
  }

  #runText({ run }: RunChanged): string | undefined {
    const { stepName, attempt, status, workerId, reason, errorMessage } = run;
    const texts: Partial<Record<typeof status, string>> = {
      ASSIGNED: `assigned to ${workerId}`,
      COMPLETED: reason === "YIELDED" ? "stopped at a checkpoint" : "COMPLETED",
      FAILED: `FAILED${why(errorMessage, reason)}`,
      CANCELLED: `CANCELLED${why(errorMessage, reason)}`,
    };
    const text = texts[status];
    return text === undefined ? undefined : `, Step ${stepName}, attempt ${attempt}: ${text}`;
  }
}

function why(message: string, reason: string): string {
  const parts = [reason, clip(message, MESSAGE_BYTES)].filter((part) => part !== "");
  return parts.length === 0 ? "" : `, ${parts.join(": ")}`;
}
