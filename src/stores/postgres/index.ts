import type { TaskId } from "#domain/id";
import { type PostgresUrl, parsePostgresUrl } from "#domain/postgres-url";
import type { Deadline } from "#domain/task/deadline";
import type { ReadyStep } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import type { AuditStore } from "#ports/audit";
import type { CredentialStore } from "#ports/credentials";
import type { EnrolmentStore } from "#ports/enrolment";
import type { NodeStore } from "#ports/nodes";
import type {
  BootState,
  Commit,
  Committed,
  FiguresPage,
  Loaded,
  Needs,
  Reads,
  Store,
  StoreOutage,
} from "#ports/store";
import type { UsageStore } from "#ports/usage";
import { cachingStore } from "../shared/caching-store.js";
import type { OpenStore } from "./store.js";

export interface PostgresOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; the page about scaling has its parameters. */
  readonly url: string;
  /**
   * True if other processes write the same schema at the same time. Default false: then the store is locked against them, and
   * what was lately committed is kept in memory.
   */
  readonly shared?: boolean;
  /** False disables the cache of recently committed Tasks. Default true. */
  readonly remember?: boolean;
}

/**
 * The durable store on a PostgreSQL server, 15 or later. A commit is one call, and acknowledged when the server has it on
 * its disk. While the server is away the store waits for it, or refuses with `unavailable`, and it goes on when it is back.
 *
 * @throws {RangeError} if the URL is wrong
 */
export function postgresStore({ url, shared = false, remember = true }: PostgresOptions): Store {
  const store = new PostgresStore(parsePostgresUrl(url), shared);
  return remember ? cachingStore(store) : store;
}

/** Loads the driver, and all that needs it, when it is opened. */
class PostgresStore implements Store {
  readonly shared: boolean;
  readonly failed: Promise<Error>;
  readonly reads: Reads;
  readonly nodes?: NodeStore;
  readonly credentials: CredentialStore;
  readonly audit: AuditStore;
  readonly enrolment: EnrolmentStore = {
    get: async (...args) => (await this.#opened()).enrolment.get(...args),
    list: async (...args) => (await this.#opened()).enrolment.list(...args),
    denied: async (now) => (await this.#opened()).enrolment.denied(now),
    put: async (...args) => (await this.#opened()).enrolment.put(...args),
    removeEnded: async (...args) => (await this.#opened()).enrolment.removeEnded(...args),
  };
  readonly usage: UsageStore = {
    putOutput: async (own) => (await this.#opened()).usage.putOutput(own),
  };
  readonly #url: PostgresUrl;
  #fail: (error: Error) => void = () => {};
  #opening: Promise<OpenStore> | undefined;
  #open: OpenStore | undefined;

  constructor(url: PostgresUrl, shared: boolean) {
    this.#url = url;
    this.shared = shared;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    if (shared) this.nodes = nodesOf(async () => openedNodes(await this.#opened()));
    this.credentials = credentialsOf(async () => (await this.#opened()).credentials);
    this.audit = auditOf(async () => (await this.#opened()).audit);
    const reads = async () => (await this.#opened()).reads;
    this.reads = readsOf(reads);
  }

  async open(): Promise<void> {
    await this.#opened();
  }

  async boot(): Promise<BootState> {
    return (await this.#opened()).boot();
  }

  async load(needs: Needs): Promise<Loaded> {
    return (await this.#opened()).load(needs);
  }

  async commit(turn: Commit): Promise<Committed> {
    return (await this.#opened()).commit(turn);
  }

  async ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    return (await this.#opened()).ready(lane, limit);
  }

  async due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    return (await this.#opened()).due(at, limit);
  }

  async nextDueAt(): Promise<Instant | undefined> {
    return (await this.#opened()).nextDueAt();
  }

  async removeFinished(...args: Parameters<Store["removeFinished"]>): Promise<readonly TaskId[]> {
    return (await this.#opened()).removeFinished(...args);
  }

  async figures(...args: Parameters<OpenStore["figures"]>): Promise<FiguresPage> {
    return (await this.#opened()).figures(...args);
  }

  outage(): StoreOutage | undefined {
    return this.#open?.outage();
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.close();
  }

  #opened(): Promise<OpenStore> {
    this.#opening ??= this.#load();
    return this.#opening;
  }

  async #load(): Promise<OpenStore> {
    const { OpenStore } = await import("./store.js");
    this.#open = await OpenStore.open(this.#url, this.shared, this.#fail);
    return this.#open;
  }
}

function openedNodes({ nodes }: OpenStore): NodeStore {
  if (!nodes) throw new Error("the store is one process's");
  return nodes;
}

/** The reads of a store that is opened when they are first asked for something. */
function readsOf(opened: () => Promise<Reads>): Reads {
  return {
    task: async (id, namespaces) => (await opened()).task(id, namespaces),
    tasks: async (...args) => (await opened()).tasks(...args),
    countReady: async (...args) => (await opened()).countReady(...args),
    countBefore: async (...args) => (await opened()).countBefore(...args),
    countHeld: async (scope) => (await opened()).countHeld(scope),
    queues: async (...args) => (await opened()).queues(...args),
    lately: async (...args) => (await opened()).lately(...args),
    lastFailed: async (...args) => (await opened()).lastFailed(...args),
    run: async (id) => (await opened()).run(id),
    template: async (ref) => (await opened()).template(ref),
    templates: async (...args) => (await opened()).templates(...args),
    stepActions: async (step) => (await opened()).stepActions(step),
    input: async (id) => (await opened()).input(id),
    stepInput: async (step) => (await opened()).stepInput(step),
    output: async (step) => (await opened()).output(step),
    journal: async (...args) => (await opened()).journal(...args),
    usage: async (...args) => (await opened()).usage(...args),
    log: async (...args) => (await opened()).log(...args),
    logBounds: async (id) => (await opened()).logBounds(id),
    deadLetters: {
      get: async (...args) => (await opened()).deadLetters.get(...args),
      list: async (...args) => (await opened()).deadLetters.list(...args),
      queue: async (...args) => (await opened()).deadLetters.queue(...args),
      count: async (...args) => (await opened()).deadLetters.count(...args),
    },
    within: (namespaces) =>
      readsOf(async () => {
        const reads = await opened();
        return reads.within?.(namespaces) ?? reads;
      }),
  };
}

function auditOf(opened: () => Promise<AuditStore>): AuditStore {
  return {
    append: async (...args) => (await opened()).append(...args),
    entries: async (...args) => (await opened()).entries(...args),
    latest: async (...args) => (await opened()).latest(...args),
    heads: async (...args) => (await opened()).heads(...args),
    remove: async (...args) => (await opened()).remove(...args),
  };
}

/** The nodes of a store that is opened when the first of them is asked for. */
function nodesOf(opened: () => Promise<NodeStore>): NodeStore {
  return {
    join: async (...args) => (await opened()).join(...args),
    renew: async (...args) => (await opened()).renew(...args),
    drain: async (id) => (await opened()).drain(id),
    leave: async (id) => (await opened()).leave(id),
    list: async () => (await opened()).list(),
    poll: async (query) => (await opened()).poll(query),
    takeOver: async (...args) => (await opened()).takeOver(...args),
    runsOf: async (...args) => (await opened()).runsOf(...args),
    workersNamed: async (...args) => (await opened()).workersNamed(...args),
    workers: async (...args) => (await opened()).workers(...args),
    removeGone: async (...args) => (await opened()).removeGone(...args),
  };
}

/** What keeps the API keys of a store that is opened when they are first asked for. */
function credentialsOf(opened: () => Promise<CredentialStore>): CredentialStore {
  return {
    keys: async () => (await opened()).keys(),
    version: async () => (await opened()).version(),
    putKeys: async (...args) => (await opened()).putKeys(...args),
    noteUses: async (uses) => (await opened()).noteUses(uses),
    removeEnded: async (...args) => (await opened()).removeEnded(...args),
    sharedSecret: async (drawn) => (await opened()).sharedSecret(drawn),
  };
}
