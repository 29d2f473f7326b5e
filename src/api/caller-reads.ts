import type { Caller } from "#domain/caller";
import { mayUse } from "#domain/caller";
import type { RunId, TaskId } from "#domain/id";
import type { PauseScope } from "#domain/pause/pause";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import { readyStep, type StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type {
  DeadLetterCounts,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterPlace,
} from "#ports/dead-letters";
import type {
  JournalBounds,
  Lately,
  Queue,
  Reads,
  TaskDetail,
  TaskFilter,
  TaskPage,
  TemplateFilter,
  TemplatePage,
} from "#ports/store-reads";
import type { UsageFilter, UsageSum } from "#ports/usage-sums";

/** A Task that was found, so that its namespace is known. */
type FoundTask = Pick<TaskRow, "id" | "namespace">;

/**
 * The store as one caller may read it: the only way from a use case to rows. What is in a namespace that the caller may not use is
 * answered as what does not exist, and no more is read of it than of that. Parts of a Task are asked for by its row, which only
 * {@link CallerReads.task} gives.
 */
export class CallerReads {
  readonly #reads: Reads;
  readonly #caller: Caller;

  constructor(reads: Reads, caller: Caller) {
    this.#reads = reads;
    this.#caller = caller;
  }

  /** A Task with its Steps and Runs. */
  task(id: TaskId): Promise<TaskDetail | undefined> {
    return this.#reads.task(id, this.#caller.namespaces);
  }

  /** A Run that was given to a worker of the caller's. */
  async run(id: RunId): Promise<RunRow | undefined> {
    const run = await this.#reads.run(id);
    return run?.principal === this.#caller.principal ? run : undefined;
  }

  /** A page of Tasks, newest first; of those namespaces of the filter that the caller may use. */
  tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage> {
    return this.#reads.tasks(this.#narrowed(filter), before, pageSize);
  }

  async template(ref: TemplateRef): Promise<TemplateRow | undefined> {
    return mayUse(this.#caller, ref.namespace) ? this.#reads.template(ref) : undefined;
  }

  /** A page of template versions; of those namespaces of the filter that the caller may use. */
  templates(filter: TemplateFilter, after: TemplateRef | undefined, pageSize: number): Promise<TemplatePage> {
    return this.#reads.templates(this.#narrowed(filter), after, pageSize);
  }

  /** The dead letter of a Task. */
  deadLetter(taskId: TaskId): Promise<DeadLetterRow | undefined> {
    return this.#reads.deadLetters.get(taskId, this.#caller.namespaces);
  }

  /** A page of dead letters, the newest first; of those namespaces of the filter that the caller may use. */
  deadLetters(
    filter: DeadLetterFilter,
    after: DeadLetterPlace | undefined,
    pageSize: number,
  ): Promise<DeadLetterPage> {
    return this.#reads.deadLetters.list(this.#narrowed(filter), after, pageSize);
  }

  /** Those that are pending, the most urgent first. */
  deadLetterQueue(
    namespaces: DeadLetterFilter["namespaces"],
    most: number,
  ): Promise<readonly DeadLetterRow[]> {
    return this.#reads.deadLetters.queue(this.#narrowed({ namespaces }).namespaces, most);
  }

  deadLetterCounts(namespaces: DeadLetterFilter["namespaces"], most: number): Promise<DeadLetterCounts> {
    return this.#reads.deadLetters.count(this.#narrowed({ namespaces }).namespaces, most);
  }

  /** @param lanes of agents that the plane has shown to the caller */
  countReady(lanes: readonly string[], most: number): Promise<number> {
    return this.#reads.countReady(lanes, most);
  }

  /** @param step of a Task that was found */
  countBefore(step: StepRow, most: number): Promise<number> {
    return this.#reads.countBefore(readyStep(step), most);
  }

  /** @param scope that the caller may pause */
  countHeld(scope: PauseScope): Promise<number> {
    return this.#reads.countHeld(scope);
  }

  /** @param lanes of agents that the plane has shown to the caller */
  queues(lanes: readonly string[], most: Parameters<Reads["queues"]>[1]): Promise<readonly Queue[]> {
    return this.#reads.queues(lanes, most);
  }

  lately(namespaces: TaskFilter["namespaces"], since: Instant, rows: number): Promise<Lately> {
    return this.#reads.lately(this.#narrowed({ namespaces }).namespaces, since, rows);
  }

  lastFailed(namespaces: TaskFilter["namespaces"], rows: number, most: number): Promise<readonly TaskRow[]> {
    return this.#reads.lastFailed(this.#narrowed({ namespaces }).namespaces, rows, most);
  }

  /** What was used; of those namespaces of the filter that the caller may use. */
  usage(filter: UsageFilter, most: number): Promise<readonly UsageSum[]> {
    return this.#reads.usage(this.#narrowed(filter), most);
  }

  async input({ id, namespace }: FoundTask): Promise<string | undefined> {
    return mayUse(this.#caller, namespace) ? this.#reads.input(id) : undefined;
  }

  /** @param step of a Task that was found */
  output({ taskId, name }: Pick<StepRow, "taskId" | "name">): Promise<string | undefined> {
    return this.#reads.output({ taskId, stepName: name });
  }

  /** @param step of a Task that was found, or with an empty name that Task itself */
  stepActions({ taskId, name }: Pick<StepRow, "taskId" | "name">): Promise<string | undefined> {
    return this.#reads.stepActions({ taskId, stepName: name });
  }

  /** @param step of a Task that was found */
  journal(
    { taskId, name }: Pick<StepRow, "taskId" | "name">,
    from: number,
    most: JournalBounds,
  ): Promise<readonly string[]> {
    return this.#reads.journal({ taskId, stepName: name }, from, most);
  }

  log({ id }: FoundTask, afterSeq: number, maxBytes: number): Promise<LogSlice> {
    return this.#reads.log(id, afterSeq, maxBytes);
  }

  async logBounds({ id, namespace }: FoundTask): ReturnType<Reads["logBounds"]> {
    return mayUse(this.#caller, namespace) ? this.#reads.logBounds(id) : undefined;
  }

  #narrowed<Filter extends { readonly namespaces: readonly string[] | "*" }>(filter: Filter): Filter {
    const own = this.#caller.namespaces;
    if (own === "*") return filter;
    const wanted = filter.namespaces === "*" ? own : filter.namespaces.filter((each) => own.includes(each));
    return { ...filter, namespaces: wanted };
  }
}
