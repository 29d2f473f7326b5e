import { edit, type Mutant } from "../mutant.js";

/** Of the SDKs in a program of others: two copies in one process, signals that are not ours, agents that nobody runs. */
export const sdkMutants: readonly Mutant[] = [
  {
    name: "what another copy of the SDK has made is strange",
    edits: [
      edit(
        "src/domain/brand.ts",
        'return typeof thing === "object" && thing !== null && mark in thing;',
        "return Function.prototype[Symbol.hasInstance].call(this, thing);",
      ),
    ],
    test: { file: "test/worker/two-copies.test.ts" },
  },
  {
    name: "every call listens to its signal by itself",
    edits: [edit("src/transport/on-abort.ts", "  waiting.set(signal, made);\n", "")],
    test: { file: "test/client/signals.test.ts", name: "a signal may be given to any number of calls" },
  },
  {
    name: "a signal retains the calls that are done",
    edits: [
      edit("src/client/call.ts", "    } finally {\n      forget();\n    }\n", "    } finally {\n    }\n"),
    ],
    test: { file: "test/client/signals.test.ts" },
  },
  {
    name: "an agent that nobody has announced is not listed",
    edits: [edit("src/runtime/plane/agents.ts", "[...known, ...unannounced(known, lanes)]", "[...known]")],
    test: {
      file: "test/runtime/workers/agents.test.ts",
      name: "an agent that nobody has announced is listed",
    },
  },
  {
    name: "a worker that names no namespace serves none",
    edits: [
      edit(
        "actors/scheduler/placement.ts",
        "if (info.namespaces.length > 0 && !info.namespaces.includes(namespace))",
        "if (!info.namespaces.includes(namespace))",
      ),
    ],
    test: {
      file: "test/runtime/workers/scheduling.test.ts",
      name: "a worker that names no namespace takes the work of all",
    },
  },
];
