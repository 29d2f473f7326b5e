import { Conflict } from "#domain/conflict";
import type { RunId, StepKey, TaskId } from "#domain/id";
import type { KeyedNeeds, Needs, TextNeeds } from "#domain/needs";
import { forKinds, keyedKindNames, textKindNames } from "#domain/row-kinds";
import type { LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template/template";
import type { Store } from "#ports/store";
import type { Reads, TaskDetail, TaskFilter } from "#ports/store-reads";
import type { Commit, Committed, Loaded, TurnStore } from "#ports/store-turns";
import { type LoadResult, loadedOf, nothingFound } from "./load-result.js";
import { TaskCache } from "./task-cache.js";
import { TemplateCache } from "./template-cache.js";

interface Caches {
  readonly tasks: TaskCache;
  readonly templates: TemplateCache;
}

/** What of the caches clients' reads are answered from. */
interface ReadCaches {
  readonly tasks: Pick<
    TaskCache,
    "detail" | "run" | "input" | "output" | "log" | "lastSeq" | "logHasEnded" | "neverChanges"
  >;
  readonly templates: Pick<TemplateCache, "find" | "remember" | "registrations">;
}

/** The caches as somebody sees them who may use these namespaces alone: what is in another one is not there. */
function cachesWithin({ tasks, templates }: Caches, namespaces: readonly string[]): ReadCaches {
  const has = (id: TaskId) => namespaces.includes(tasks.namespaceOf(id) ?? "");
  return {
    tasks: {
      detail: (id) => (has(id) ? tasks.detail(id) : undefined),
      run: (id) => {
        const run = tasks.run(id);
        return run && has(run.taskId) ? run : undefined;
      },
      input: (id) => (has(id) ? tasks.input(id) : undefined),
      output: (step) => (has(step.taskId) ? tasks.output(step) : undefined),
      log: (id, ...rest) => (has(id) ? tasks.log(id, ...rest) : undefined),
      lastSeq: (id) => (has(id) ? tasks.lastSeq(id) : undefined),
      logHasEnded: (id) => has(id) && tasks.logHasEnded(id),
      neverChanges: (step) => has(step.taskId) && tasks.neverChanges(step),
    },
    templates: {
      find: (ref) => (namespaces.includes(ref.namespace) ? templates.find(ref) : undefined),
      remember: (...args) => templates.remember(...args),
      get registrations() {
        return templates.registrations;
      },
    },
  };
}

/**
 * Adds a cache of recently committed Tasks and templates to a store, so that turns, watchers and clients of active
 * Tasks do not read the disk.
 *
 * Rows are still written with the check of their revision. When a commit fails, the whole cache is dropped, and the
 * store is read again.
 *
 * If other processes write the store too, a cached row may be an old one. A turn may load it all the same: its commit finds
 * out, and then the Tasks of the rows that have moved leave the cache. Clients are answered from the cache only what never
 * changes.
 */
export function cachingStore(store: Store): Store {
  const shared = store.shared === true;
  const cached: Caches = { tasks: new TaskCache(shared), templates: new TemplateCache() };
  return {
    shared,
    reads: confinable(shared ? sharedReads : cachingReads, store.reads, cached),
    ...(store.failed && { failed: store.failed }),
    ...(store.nodes && { nodes: store.nodes }),
    ...(store.credentials && { credentials: store.credentials }),
    ...(store.audit && { audit: store.audit }),
    ...(store.enrolment && { enrolment: store.enrolment }),
    ...(store.usage && { usage: store.usage }),
    ...(store.figures && { figures: store.figures.bind(store) }),
    outage: () => store.outage?.(),
    open: async () => store.open?.(),
    boot: () => store.boot(),
    load: async (needs, fresh) => {
      if (!shared) return load(needs, store, cached);
      const loaded = fresh ? await store.load(needs, true) : await load(needs, store, cached, true);
      cached.tasks.forgetOlder(loaded);
      return loaded;
    },

    async commit(turn: Commit): Promise<Committed> {
      try {
        const committed = await store.commit(turn);
        // An import is of Tasks that nobody asks for soon.
        if (!turn.imports) cached.tasks.remember(turn, committed);
        cached.templates.register(turn.templates);
        return committed;
      } catch (error) {
        if (shared && error instanceof Conflict && error.moved.length > 0) {
          for (const ref of error.moved) cached.tasks.forgetRow(ref);
        } else {
          cached.tasks.forgetAll();
          cached.templates.forgetAll();
        }
        throw error;
      }
    },

    removeFinished: async (...args) => {
      const removed = await store.removeFinished(...args);
      for (const taskId of removed) cached.tasks.forget(taskId);
      return removed;
    },

    ready: (lane, limit) => store.ready(lane, limit),
    due: (at, limit) => store.due(at, limit),
    nextDueAt: () => store.nextDueAt(),
    close: () => store.close(),
  };
}

async function load(
  needs: Needs,
  store: TurnStore,
  { tasks, templates }: Caches,
  shared = false,
): Promise<Loaded> {
  const found = nothingFound();
  const missing: Needs = {
    keys: needs.keys ?? [],
    heldBy: needs.heldBy ?? [],
    graphs: (needs.graphs ?? []).filter((id) => !tasks.findGraph(id, found)),
    wholeTasks: (needs.wholeTasks ?? []).filter((id) => !tasks.findWhole(id, found)),
    ...forKinds<KeyedNeeds>(keyedKindNames, (name) =>
      (needs[name] ?? []).filter((key) => !tasks.findKeyed(name, key, found)),
    ),
    ...forKinds<TextNeeds>(textKindNames, (name) =>
      (needs[name] ?? []).filter((key) => !tasks.findText(name, key, found)),
    ),
    templates: (needs.templates ?? []).filter(
      (ref) => (shared && ref.version === "") || !findTemplate(ref, templates, found),
    ),
  };
  if (Object.values(missing).every((ids: readonly unknown[]) => ids.length === 0)) return loadedOf(found);

  const { registrations } = templates;
  const loaded = await store.load(missing);
  templates.remember(missing.templates ?? [], loaded.templates, registrations);
  return loadedOf(found, loaded, shared);
}

function findTemplate(ref: TemplateRef, cached: TemplateCache, { templates }: LoadResult): boolean {
  const row = cached.find(ref);
  if (row) templates.set(templateKey(row), row);
  return row !== undefined;
}

/** Reads through the caches, which can be confined if those of the store can. */
function confinable(through: typeof cachingReads, reads: Reads, cached: Caches): Reads {
  const { within } = reads;
  if (!within) return through(reads, cached);
  return {
    ...through(reads, cached),
    within: (namespaces) => through(within(namespaces), cachesWithin(cached, namespaces)),
  };
}

/** Clients' reads of a store that other processes write too: only what never changes is answered from memory. */
function sharedReads(reads: Reads, cached: ReadCaches): Reads {
  const { input, output, template, log } = cachingReads(reads, cached);
  return {
    task: (id, namespaces) => reads.task(id, namespaces),
    run: (id) => reads.run(id),
    logBounds: (id) => reads.logBounds(id),
    tasks: (filter, before, pageSize) => reads.tasks(filter, before, pageSize),
    countReady: (lanes, most) => reads.countReady(lanes, most),
    countBefore: (place, most) => reads.countBefore(place, most),
    countHeld: (scope) => reads.countHeld(scope),
    queues: (lanes, most) => reads.queues(lanes, most),
    lately: (namespaces, since, rows) => reads.lately(namespaces, since, rows),
    lastFailed: (namespaces, rows, most) => reads.lastFailed(namespaces, rows, most),
    templates: (filter, after, pageSize) => reads.templates(filter, after, pageSize),
    stepActions: (step) => reads.stepActions(step),
    journal: (...args) => reads.journal(...args),
    usage: (...args) => reads.usage(...args),
    deadLetters: reads.deadLetters,
    input,
    stepInput: (step) => reads.stepInput(step),
    output: (step) => (cached.tasks.neverChanges(step) ? output(step) : reads.output(step)),
    template: (ref) => (ref.version === "" ? reads.template(ref) : template(ref)),
    log: (...args) => (cached.tasks.logHasEnded(args[0]) ? log(...args) : reads.log(...args)),
  };
}

/** Clients' reads: of cached Tasks from memory, of all others from the store. */
function cachingReads(reads: Reads, { tasks: cached, templates }: ReadCaches): Reads {
  return {
    async task(id: TaskId, namespaces: TaskFilter["namespaces"] = "*"): Promise<TaskDetail | undefined> {
      const known = cached.detail(id);
      if (!known) return reads.task(id, namespaces);
      return namespaces === "*" || namespaces.includes(known.task.namespace) ? known : undefined;
    },
    async run(id: RunId): Promise<RunRow | undefined> {
      return cached.run(id) ?? reads.run(id);
    },
    async template(ref: TemplateRef): Promise<TemplateRow | undefined> {
      const known = templates.find(ref);
      if (known) return known;
      const { registrations } = templates;
      const row = await reads.template(ref);
      if (row) templates.remember([ref], [row], registrations);
      return row;
    },
    async input(id: TaskId): Promise<string | undefined> {
      return cached.input(id) ?? reads.input(id);
    },
    // Asked for by nobody but an export.
    stepInput: (step) => reads.stepInput(step),
    async output(step: StepKey): Promise<string | undefined> {
      return cached.output(step) ?? reads.output(step);
    },
    async log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice> {
      return cached.log(taskId, afterSeq, maxBytes) ?? reads.log(taskId, afterSeq, maxBytes);
    },
    async logBounds(taskId: TaskId) {
      const last = cached.lastSeq(taskId);
      return last === undefined ? reads.logBounds(taskId) : { earliest: 1, last };
    },
    tasks: (filter, before, pageSize) => reads.tasks(filter, before, pageSize),
    countReady: (lanes, most) => reads.countReady(lanes, most),
    countBefore: (place, most) => reads.countBefore(place, most),
    countHeld: (scope) => reads.countHeld(scope),
    queues: (lanes, most) => reads.queues(lanes, most),
    lately: (namespaces, since, rows) => reads.lately(namespaces, since, rows),
    lastFailed: (namespaces, rows, most) => reads.lastFailed(namespaces, rows, most),
    templates: (filter, after, pageSize) => reads.templates(filter, after, pageSize),
    stepActions: (step) => reads.stepActions(step),
    journal: (...args) => reads.journal(...args),
    usage: (...args) => reads.usage(...args),
    deadLetters: reads.deadLetters,
  };
}
