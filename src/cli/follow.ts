import { hasEnded, outputOf, type Run, type Task, type TaskEvent, type TaskRunClient } from "#client/index";
import { type ExitCode, exit } from "./exit.js";
import { Inert, inert, oneLine } from "./inert.js";
import type { Io } from "./io.js";
import { eventJson, line } from "./json.js";
import { PATIENCE_MS, whyWaiting } from "./waiting.js";
import { type Colors, colorsFor, duration, paintStatus } from "./words.js";

export interface FollowOptions {
  readonly afterSeq?: number;
  readonly json?: boolean;
}

/**
 * Follows a task to its end: output goes to stdout, what happens beside it to stderr, or with `json` every event to
 * stdout as a line. Ends with the code the task's end means; Ctrl-C leaves the task alone and says how to go on.
 */
export async function follow(
  client: TaskRunClient,
  taskId: string,
  options: FollowOptions,
  io: Io,
): Promise<ExitCode> {
  const { afterSeq = 0, json = false } = options;
  const interrupted = new AbortController();
  const unhear = io.onSignal(() => interrupted.abort());
  const show = json ? undefined : new Story(io);
  let seq = afterSeq;
  let end: Task | undefined;
  let lost = false;
  const onLost = () => {
    if (!lost) void io.stderr.write("\nconnection lost; the watch goes on when the server is back\n");
    lost = true;
  };
  const unwait = explainWaiting(client, taskId, io);

  try {
    const { signal } = interrupted;
    for await (const event of client.tasks.watch(taskId, { afterSeq, signal, onLost })) {
      lost = false;
      seq = event.seq;
      if (event.type === "run") unwait();
      if (event.type === "task" && hasEnded(event.task)) end = event.task;
      await (show ? show.tell(event) : io.stdout.write(line(eventJson(event))));
    }
  } finally {
    unhear();
    unwait();
  }
  if (end) return end.status === "COMPLETED" ? exit.ok : exit.failed;

  await io.stderr.write(
    `\nThe task goes on. Watch it from here with\n  ${io.self} task watch ${taskId} --after-seq ${seq}\n`,
  );
  return exit.interrupted;
}

/** Says why, if nobody has begun the task after a while. Returns what makes it say nothing more. */
function explainWaiting(client: TaskRunClient, taskId: string, io: Io): () => void {
  let wanted = true;
  const explain = async () => {
    const why = await whyWaiting(client, await client.tasks.get(taskId), io);
    if (wanted && why !== undefined) await io.stderr.write(`${why}\n`);
  };
  // Nobody asked for it: where it cannot be found out, the watch itself says what is wrong.
  const undo = io.after(PATIENCE_MS, () => void explain().catch(() => {}));
  return () => {
    wanted = false;
    undo();
  };
}

/** Tells a task's events to a person. */
class Story {
  readonly #io: Io;
  readonly #colors: Colors;
  /** One filter a run: runs of several steps write in turns, each in the middle of its own sequence. */
  readonly #filters = new Map<string, Inert>();
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
        if (event.step.state !== "waiting_for_retry") return;
        return this.#say(
          `${event.step.name} is tried again: ${event.step.errorMessage || "no reason given"}`,
        );
      case "event": {
        const facts = Object.entries(event.event.metadata).map(([name, value]) => ` ${name}=${value}`);
        return this.#say(this.#colors.dim(oneLine(`${event.event.kind}${facts.join("")}`)));
      }
      case "chat":
        return this.#say(`${event.chat.role}: ${oneLine(event.chat.content)}`);
    }
  }

  /** Raw where a program reads it; where a terminal shows it, nothing that would steer the terminal. */
  async #output(runId: string, content: string): Promise<void> {
    const { stdout } = this.#io;
    const filter = this.#filters.get(runId) ?? new Inert();
    this.#filters.set(runId, filter);

    const text = stdout.isTTY ? filter.pass(content) : content;
    if (text === "") return;
    this.#atLineStart = text.endsWith("\n");
    await stdout.write(text);
  }

  async #run(run: Run): Promise<void> {
    const { attempt, stepName, workerId, status, reason, errorMessage } = run;
    const where = workerId === "" ? "" : ` on worker ${workerId}`;
    const why = [reason, errorMessage].filter((text) => text !== "" && text !== status).join(": ");
    const step = stepName === "main" ? "" : ` of ${stepName}`;
    await this.#say(
      `try ${attempt}${step}${where}: ${paintStatus(this.#colors, status)}${why && `, ${oneLine(why)}`}`,
    );
    if (status !== "ASSIGNED" && status !== "RUNNING") this.#filters.delete(run.id);
  }

  async #task(task: Task): Promise<void> {
    if (task.status === this.#status) return;
    this.#status = task.status;
    if (!hasEnded(task)) return;

    const lasted = task.createdAtMs > 0 ? ` after ${duration(task.finishedAtMs - task.createdAtMs)}` : "";
    const why = task.errorMessage === "" ? "" : `: ${oneLine(task.errorMessage)}`;
    await this.#say(`task ${task.id}: ${paintStatus(this.#colors, task.status)}${lasted}${why}`);
    const result = outputOf(task);
    if (result !== undefined) await this.#say(`result ${inert(JSON.stringify(result, null, 2))}`);
  }

  /** A line on stderr that does not begin in the middle of the output on the same screen. */
  async #say(text: string): Promise<void> {
    const { stdout, stderr } = this.#io;
    const breakLine = !this.#atLineStart && stdout.isTTY && stderr.isTTY;
    this.#atLineStart = this.#atLineStart || breakLine;
    await stderr.write(`${breakLine ? "\n" : ""}${text}\n`);
  }
}
