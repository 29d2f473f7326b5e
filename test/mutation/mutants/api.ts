import { edit, type Mutant, type TestName } from "../mutant.js";

const useCase = "src/api/use-case.ts";
const asks = "    services.authorize(caller, definition.action, found.resource);\n";
const authorize = (name: string): TestName => ({ file: "test/api/authorize.test.ts", name });
const committed = (name: string): TestName => ({ file: "test/runtime/committed-reads.test.ts", name });

/** Ways in which a request could be carried out for somebody else, or read what is not stored. */
export const apiMutants: readonly Mutant[] = [
  {
    name: "api: nobody is asked whether a caller may",
    edits: [edit(useCase, asks, "")],
    test: authorize("asks once whether its caller may"),
  },
  {
    name: "api: a refusal is passed over",
    edits: [
      edit(useCase, "return definition.hidden();\n    throw error;\n", "return definition.hidden();\n"),
    ],
    test: authorize("does nothing for a caller who may not"),
  },
  {
    name: "api: whoever called first is the caller of all",
    edits: [
      edit(
        "src/gateway/grpc/grpc.ts",
        "callBy(rest, identify({ asked, header, peer }))",
        "callBy(rest, identify({ asked, header: () => undefined, peer }))",
      ),
    ],
    test: { file: "test/gateway/callers.test.ts", name: "each request has a caller of its own" },
  },
  {
    name: "read: workers are shown as the turn in flight has them",
    edits: [
      edit(
        "src/runtime/memory/roster.ts",
        "    if (this.#before.has(session)) return;\n",
        "    if (session) return;\n",
      ),
    ],
    test: committed("clients and gauges see a worker"),
  },
  {
    name: "read: what was committed is never shown",
    edits: [edit("src/runtime/memory/roster.ts", "    this.#before.clear();\n", "")],
    test: committed("clients and gauges see a worker"),
  },
  {
    name: "read: Tasks are counted as waiting before their commit",
    edits: [
      edit("src/runtime/memory/memory.ts", "return this.#committedWaiting;", "return this.#waitingTotal;"),
    ],
    test: committed("nobody sees a Task wait whose commit is not through"),
  },
  {
    name: "http: a path that is served takes any method",
    edits: [edit("src/gateway/http/router.ts", "route.methods.includes(method)", 'method !== ""')],
    test: { file: "test/gateway/http-router.test.ts", name: "another method is refused" },
  },
];
