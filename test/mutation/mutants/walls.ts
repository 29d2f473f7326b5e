import { edit, type Mutant, type TestName } from "../mutant.js";

const walls = (name: string): TestName => ({ file: "test/gateway/walls/walls.test.ts", name });
const workers = (name: string): TestName => ({ file: "test/gateway/walls/worker-walls.test.ts", name });
const rates = (name: string): TestName => ({ file: "test/api/create-rates.test.ts", name });
const RATES = "src/api/tasks/create-rates.ts";
const READS = "src/api/caller-reads.ts";

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
];
