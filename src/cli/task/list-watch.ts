import type { Task, TaskFilter, TaskRunClient } from "#client/index";
import { hasEnded } from "#client/index";
import { timeOf } from "#domain/id-time";
import { limits } from "#limits/index";
import { target, withClient } from "../connection.js";
import type { ExitCode } from "../exit.js";
import { type LiveSource, runLive } from "../live.js";
import { ALL } from "../options.js";
import type { Io } from "../terminal/io.js";
import { line, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { filterOf, type ListOptions } from "./filter-options.js";
import { spansNamespaces, taskTable } from "./task-table.js";

/** `task list --watch`: the newest tasks that fit, redrawn; in a pipe a line for each that is new or has changed. */
export async function watchTasks(options: ListOptions, io: Io): Promise<ExitCode> {
  const { addr } = await target(io, options);
  return withClient(io, options, (client) => {
    const list = new LiveList(client, options, io);
    return runLive(list, { addr, plain: options.json === true }, io);
  });
}

/** The newest tasks of a filter, kept from answer to answer. */
class LiveList implements LiveSource<readonly Task[]> {
  readonly #client: TaskRunClient;
  readonly #options: ListOptions;
  readonly #io: Io;
  readonly #most: number;
  #tasks: readonly Task[] = [];
  /** True if older tasks may fit, which were not looked at. */
  #isCut = false;
  /** What was printed of each listed task. */
  #printed: ReadonlyMap<string, string> = new Map();

  constructor(client: TaskRunClient, options: ListOptions, io: Io) {
    this.#client = client;
    this.#options = options;
    this.#io = io;
    this.#most = Math.min(options.limit, limits.watchedTasks);
  }

  async read(signal: AbortSignal): Promise<readonly Task[]> {
    const filter = await filterOf(this.#options, this.#client, this.#io);
    const from = this.#changesFrom(filter);
    const found = await this.#newest({ ...filter, ...from, pageSize: this.#most }, signal);
    const since = from?.createdAfterMs ?? 0;
    const kept = from === undefined ? [] : this.#tasks.filter(({ id }) => (timeOf(id) ?? 0) < since);
    this.#tasks = [...found, ...kept].slice(0, this.#most);
    return this.#tasks;
  }

  /** The newest tasks that fit; a bounded number of pages is read for them. */
  async #newest(filter: TaskFilter, signal: AbortSignal): Promise<readonly Task[]> {
    const found: Task[] = [];
    let pageToken = "";
    let pages = 0;
    do {
      const page = await this.#client.tasks.page({ ...filter, pageToken }, { signal });
      found.push(...page.tasks);
      pageToken = page.nextPageToken;
      pages += 1;
    } while (pageToken !== "" && found.length < this.#most && pages < limits.watchedPages);
    this.#isCut = pageToken !== "" && found.length < this.#most;
    return found.slice(0, this.#most);
  }

  /**
   * What ended does not change any more: below the oldest listed task that goes on nothing is asked for. Not so where the filter is about
   * what changes, or about ages: then an older task may come to fit.
   */
  #changesFrom({
    status,
    states,
    waiting,
    createdAfterMs,
  }: TaskFilter): { createdAfterMs: number } | undefined {
    const changes = status !== undefined || states !== undefined || waiting !== undefined;
    const { age, before } = this.#options;
    if (changes || age !== undefined || before !== undefined || this.#tasks.length === 0) return undefined;
    const oldest = this.#tasks.findLast((task) => !hasEnded(task)) ?? this.#tasks[0];
    const at = oldest && timeOf(oldest.id);
    return at === undefined ? undefined : { createdAfterMs: Math.max(at, createdAfterMs ?? 0) };
  }

  frame(tasks: readonly Task[], { rows, columns }: { rows: number; columns: number }): readonly string[] {
    const older = this.#isCut ? ["Older tasks were not looked at: name a --namespace, or --since."] : [];
    if (tasks.length === 0) return ["There are no matching tasks.", ...older];
    const shown = tasks.slice(0, rows - 1 - older.length);
    const withNamespace = this.#options.namespace === ALL || spansNamespaces(tasks);
    return taskTable(shown, this.#io, { withNamespace, width: columns - 1 })
      .trimEnd()
      .split("\n");
  }

  async print(tasks: readonly Task[]): Promise<void> {
    const { json } = this.#options;
    const lines = new Map(tasks.map((task) => [task.id, json ? line(taskJson(task)) : plainLine(task)]));
    const news = [...lines].filter(([id, text]) => this.#printed.get(id) !== text).map(([, text]) => text);
    this.#printed = lines;
    // The list is newest first; a log is oldest first.
    if (news.length > 0) await this.#io.stdout.write(news.reverse().join(""));
  }
}

/** A task on a line: `ID STATUS NAMESPACE AGENT WHY`. */
function plainLine({ id, status, namespace, agent, template, errorMessage, waitingReason }: Task): string {
  const words = [id, status, namespace, agent || (template?.name ?? "-"), errorMessage || waitingReason];
  return `${oneLine(words.filter((word) => word !== "").join("  "))}\n`;
}
