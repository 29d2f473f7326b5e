import { type Task, type TaskRunClient, TaskRunError } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, target, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { type LiveSource, runLive } from "../live.js";
import type { JsonOption } from "../task/task.js";
import { colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { canRedraw, layoutWidth } from "../terminal/size.js";
import { type Top, topFrame } from "./frame.js";

export interface TopOptions extends ConnectionOptions, JsonOption {
  readonly once?: boolean;
}

/** `taskrun top`: on a terminal live, until `q` or Ctrl-C; else once. */
export async function runTop(options: TopOptions, io: Io): Promise<ExitCode> {
  const { addr } = await target(io, options);
  return withClient(io, options, async (client) => {
    const source = new TopSource(client, io);
    const isLive = !options.once && !options.json && canRedraw(io.stdout) && io.env.TERM !== "dumb";
    if (isLive) return runLive(source, { addr, every: limits.topEvery }, io);
    const top = await source.read();
    await io.stdout.write(options.json ? document(topJson(top)) : source.text(top));
    return exit.ok;
  });
}

class TopSource implements LiveSource<Top> {
  readonly #client: TaskRunClient;
  readonly #io: Io;

  constructor(client: TaskRunClient, io: Io) {
    this.#client = client;
    this.#io = io;
  }

  async read(signal?: AbortSignal): Promise<Top> {
    const control = signal ? { signal } : {};
    const { tasks } = this.#client;
    const { workers: workerCalls, pauses: pauseCalls } = this.#client;
    const [overview, workers, pauses, waiting] = await Promise.all([
      tasks.overview(undefined, control),
      unlessDenied(workerCalls.list({}, control)),
      unlessDenied(pauseCalls.list(control)),
      tasks.page({ waiting: "*", pageSize: limits.watchedTasks }, control),
    ]);
    return { overview, workers, pauses, waiting: oldestOf([...overview.oldest, ...waiting.tasks]) };
  }

  frame(top: Top, size: { readonly rows: number; readonly columns: number }): readonly string[] {
    const { stdout } = this.#io;
    return topFrame(top, { ...size, now: this.#io.now(), colors: colorsFor(stdout, this.#io) });
  }

  async print(top: Top): Promise<void> {
    await this.#io.stdout.write(this.text(top));
  }

  text(top: Top): string {
    const columns = layoutWidth(this.#io.stdout);
    const lines = topFrame(top, {
      rows: Number.POSITIVE_INFINITY,
      columns,
      now: this.#io.now(),
      colors: colorsFor(this.#io.stdout, this.#io),
    });
    return lines.map((line) => `${line}\n`).join("");
  }
}

/** A caller may see Tasks, and neither workers nor pauses. */
async function unlessDenied<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof TaskRunError && error.code === "PERMISSION_DENIED") return undefined;
    throw error;
  }
}

/** Each Task once, the first created first. */
function oldestOf(tasks: readonly Task[]): readonly Task[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return [...byId.values()]
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1))
    .slice(0, limits.overviewTasks);
}

function topJson({ overview, workers, pauses, waiting }: Top): object {
  const { oldest: _, failed, ...rest } = overview;
  return {
    ...rest,
    workers: workers ?? null,
    pauses: pauses ?? null,
    waiting: waiting.map(taskJson),
    failed: failed.map(taskJson),
  };
}
