import { edit, type Mutant, type TestName } from "../mutant.js";

const walls = (name: string): TestName => ({ file: "test/gateway/walls/walls.test.ts", name });
const workers = (name: string): TestName => ({ file: "test/gateway/walls/worker-walls.test.ts", name });
const rates = (name: string): TestName => ({ file: "test/api/create-rates.test.ts", name });
const RATES = "src/api/tasks/create-rates.ts";
const READS = "src/api/caller-reads.ts";
const output = (name: string): TestName => ({ file: "test/runtime/daily-output.test.ts", name });
const OUTPUT = "src/runtime/memory/daily-output.ts";
const limited = (name: string): TestName => ({ file: "test/gateway/namespace-limits.test.ts", name });
const rows = (name: string): TestName => ({ file: "test/stores/postgres/row-security.test.ts", name });
const certificates = (name: string): TestName => ({
  ...{ file: "test/gateway/connections/client-certificates.test.ts", name },
});
const SHOWN = "src/gateway/connections/client-certificate.ts";

/** Ways in which one namespace could show in another. */
export const wallMutants: readonly Mutant[] = [
  {
    name: "walls: a foreign Task is read before it is refused",
    edits: [edit(READS, "this.#reads.task(id, this.#caller.namespaces)", "this.#reads.task(id)")],
    test: walls("answers of theirs as of nothing"),
  },
  {
    name: "walls: lists are of the namespaces that a filter names",
    edits: [
      edit(READS, "filter.namespaces.filter((each) => own.includes(each))", "filter.namespaces"),
      edit("src/api/authorize.ts", "if (!mayUseAll(caller, resource.namespaces)) throw nothingThere();", ""),
    ],
    test: walls("answers of theirs as of nothing"),
  },
  {
    name: "walls: a Run of another principal is read",
    edits: [
      edit(READS, "run?.principal === this.#caller.principal ? run : undefined", "run"),
      edit(
        "src/api/authorize.ts",
        "if (resource.principal !== caller.principal) throw runNotFound(resource.id);",
        "",
      ),
    ],
    test: walls("answers of theirs as of nothing"),
  },
  {
    name: "walls: a foreign template says which versions it has",
    edits: [
      edit(
        "src/api/authorize.ts",
        "if (!mayUse(caller, resource.ref.namespace)) throw templateNotFound(resource.ref);",
        "",
      ),
      edit(
        READS,
        "mayUse(this.#caller, ref.namespace) ? this.#reads.template(ref) : undefined",
        "this.#reads.template(ref)",
      ),
    ],
    test: walls("of theirs is answered as none by Get"),
  },
  {
    name: "walls: a report about a foreign Run says that there is one",
    edits: [
      edit(
        "actors/run-tracker/report.ts",
        "const run = isForeign ? undefined : known;",
        "const run = known;",
      ),
    ],
    test: workers("about a Run of theirs is answered as about none"),
  },
  {
    name: "walls: a worker without namespaces works for everybody",
    edits: [
      edit(
        "src/api/workers/connect-worker.ts",
        'const named = rest.namespaces.length > 0 || caller.namespaces === "*";',
        "const named = true;",
      ),
    ],
    test: workers("a worker that names no namespace works for those of its caller"),
  },
  {
    name: "walls: numbers of all namespaces are shown to those of one",
    edits: [
      edit(
        "src/gateway/access/authenticate.ts",
        'caller.namespaces !== "*" && ofAllNamespaces.has(asked) ? notForSome(asked) : undefined',
        "undefined",
      ),
    ],
    test: { file: "test/gateway/access/matrix.test.ts", name: "keeps to the namespaces of a key" },
  },
  {
    name: "rates: all namespaces that are not named share one rate",
    edits: [
      edit(
        RATES,
        "const bucket = this.#filled(namespace, rate);",
        'const bucket = this.#filled(this.#rates.has(namespace) ? namespace : "*", rate);',
      ),
    ],
    test: rates("one namespace uses up nothing of another's"),
  },
  {
    name: "rates: what is saved up has no bound",
    edits: [edit(RATES, "Math.min(most, known.tokens + ", "Math.max(0, known.tokens + ")],
    test: rates("what it has saved up"),
  },
  {
    name: "rates: a batch is not counted",
    edits: [edit("src/api/tasks/create-tasks.ts", "request.services.creates?.take(draft.namespace);", "")],
    test: { file: "test/gateway/create-rates.test.ts", name: "of a batch" },
  },
  {
    name: "walls: of a foreign Task that is signalled more is read than of none",
    edits: [
      edit(
        "actors/task-finalizer/signal.ts",
        "    if (task && !mayUse(caller, task.namespace)) return { graphs: [taskId] };\n",
        "",
      ),
    ],
    test: walls("answers of theirs as of nothing"),
  },
  {
    name: "limits: the other drafts of a batch are not counted as waiting",
    edits: [
      edit(
        "actors/task-request/submit.ts",
        "const waiting = view.waitingIn(namespace) + (added.waitingIn.get(namespace) ?? 0);",
        "const waiting = view.waitingIn(namespace);",
      ),
    ],
    test: { file: "test/actors/submit.test.ts", name: "counts earlier drafts" },
  },
  {
    name: "limits: a day's output is that of this process alone",
    edits: [edit(OUTPUT, " + (this.#others.get(namespace) ?? 0)", "")],
    test: output("a restart remembers what was stored"),
  },
  {
    name: "limits: a process counts its own output twice once it has told the store",
    edits: [edit(OUTPUT, "bytes - (told.get(namespace) ?? 0)", "bytes")],
    test: output("a restart remembers what was stored"),
  },
  {
    name: "limits: yesterday's output counts today",
    edits: [edit(OUTPUT, "    this.#own.clear();\n", "")],
    test: output("at midnight all is as new"),
  },
  {
    name: "limits: an idle plane asks its store for what was written",
    edits: [edit(OUTPUT, " || !(this.#isNew || store.shared)", "")],
    test: output("an idle plane asks"),
  },
  {
    name: "limits: a watcher that has ended is counted on",
    edits: [
      edit(
        "src/api/tasks/open-watchers.ts",
        "const left = (this.#open.get(namespace) ?? 1) - 1;",
        "const left = this.#open.get(namespace) ?? 1;",
      ),
    ],
    test: limited("one too many in a namespace"),
  },
  {
    name: "limits: a page's stream begins before it is refused",
    edits: [edit("src/api/tasks/watch-task.ts", "    watchers?.check(task.namespace);\n", "")],
    test: limited("a page gets 503"),
  },
  {
    name: "walls: the database is not told for whom it reads",
    edits: [edit("src/api/use-case.ts", "|| !this.#reads.within) return", "|| this.#reads) return")],
    test: rows("use cases read so"),
  },
  {
    name: "walls: a session goes on reading for the caller before",
    edits: [
      edit(
        "src/stores/postgres/connect/connection.ts",
        "if (this.#scope === text) return undefined;",
        "if (this.#scope) return undefined;",
      ),
    ],
    test: rows("kept apart"),
  },
  {
    name: "walls: who may use nothing may use everything",
    edits: [
      edit(
        "src/stores/postgres/connect/calls.ts",
        "scopeOf(namespaces)",
        "namespaces.length === 0 ? EVERYTHING : scopeOf(namespaces)",
      ),
    ],
    test: rows("who may use nothing"),
  },
  {
    name: "walls: what is at hand is given to anybody",
    edits: [
      edit(
        "src/stores/shared/caching-store.ts",
        'const has = (id: TaskId) => namespaces.includes(tasks.namespaceOf(id) ?? "");',
        "const has = (_: TaskId) => true;",
      ),
    ],
    test: rows("a session that reads for a caller"),
  },
  {
    name: "certificates: one authority names what is the other's",
    edits: [edit(SHOWN, "(isApart && !leadsTo(own, shown))", "false")],
    test: certificates("a worker's certificate is no client's"),
  },
  {
    name: "certificates: a client's opens a worker's stream",
    edits: [
      edit(
        "src/gateway/access/authenticate.ts",
        '    if (needs === "workers:connect") throw onlyForClients();\n',
        "",
      ),
    ],
    test: certificates("opens no worker's stream"),
  },
  {
    name: "certificates: what the connection has shown counts before what the request says",
    edits: [
      edit(
        "src/gateway/access/authenticate.ts",
        "      credential === undefined\n        ? (watcherOf",
        '      credential === undefined || (certificate && "client" in certificate)\n        ? (watcherOf',
      ),
    ],
    test: certificates("who has an API key beside it"),
  },
  {
    name: "certificates: one that has ended is taken over its connection",
    edits: [
      edit(
        "src/api/access/client-certificates.ts",
        "    if (this.#now() >= notAfter) throw ended(client);\n",
        "",
      ),
    ],
    test: certificates("the end of a certificate ends what is asked"),
  },
];
