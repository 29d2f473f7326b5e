import { edit, type Mutant } from "../mutant.js";

const calls = (name: string) => ({ file: "test/embedded/calls.test.ts", name });
const handler = (name: string) => ({ file: "test/embedded/handler.test.ts", name });
const start = (name: string) => ({ file: "test/embedded/start.test.ts", name });

/** A plane in a process of somebody else's. */
export const embeddedMutants: readonly Mutant[] = [
  {
    name: "embedded: callers share the objects of the plane",
    edits: [edit("src/gateway/local/messages.ts", "return fromBinary(schema, bytes);", "return answer;")],
    test: calls("shares no object with the plane"),
  },
  {
    name: "embedded: a message of any size comes in",
    edits: [
      edit(
        "src/gateway/local/messages.ts",
        "if (bytes.length > limits.messageBytes) throw messageTooLarge(bytes.length);",
        "",
      ),
    ],
    test: { file: "test/embedded/errors.test.ts", name: "a message that is too large" },
  },
  {
    name: "embedded: a handler goes on after its caller",
    edits: [edit("src/gateway/local/stream.ts", "this.#answers.return?.()?.catch(() => undefined);", "")],
    test: calls("whose reader never asks again is ended by an abort"),
  },
  {
    name: "embedded: a watch that catches up has the event loop for itself",
    edits: [edit("src/gateway/local/stream.ts", "    if (crowded) await crowded;\n", "")],
    test: calls("does not keep the event loop from others"),
  },
  {
    name: "embedded: calls have the event loop for themselves",
    edits: [
      edit("src/gateway/local/transport.ts", "      if (crowded) await crowded;\n", ""),
      edit("src/gateway/local/answer-room.ts", "    setImmediate(() => {\n", "    queueMicrotask(() => {\n"),
    ],
    test: calls("leaves the event loop to others"),
  },
  {
    name: "embedded: who asks a stopping plane is told to come again",
    edits: [edit("src/gateway/server.ts", "(health.draining ? stoppedFault() : undefined)", "undefined")],
    test: calls("that is under way when the plane stops ends at once"),
  },
  {
    name: "embedded: a stop leaves the Runs of its workers in hand",
    edits: [edit("src/embedded/index.ts", "  closers.push(() => workers.stop());\n", "")],
    test: start("a Run in hand when it is stopped is handed back"),
  },
  {
    name: "embedded: a worker has another id at each start",
    edits: [edit("src/embedded/workers.ts", "this.#count += 1;", "this.#count += process.pid;")],
    test: { file: "test/e2e/embedded.test.ts", name: "that is killed with Runs in hand" },
  },
  {
    name: "embedded: a stopped plane keeps the process alive",
    edits: [edit("src/embedded/index.ts", "  closers.push(() => clearInterval(alive));\n", "")],
    test: { file: "test/e2e/embedded.test.ts", name: "over memory ends by itself" },
  },
  {
    name: "embedded: a body that was parsed before is waited for",
    edits: [
      edit(
        "src/gateway/http/handler.ts",
        "request.readableDidRead || request.readableEnded",
        "request.destroyed",
      ),
    ],
    test: handler("a body that was parsed before is refused at once"),
  },
  {
    name: "embedded: requests of the application are answered for it",
    edits: [
      edit("src/gateway/http/handler.ts", "path === undefined || (!served && next)", "path === undefined"),
    ],
    test: handler("goes on to the application"),
  },
  {
    name: "embedded: any page may call where any host may",
    edits: [edit("src/gateway/http/guard.ts", "(page === host && hosts.has(ANY))", "hosts.has(ANY)")],
    test: handler("from the page"),
  },
  {
    name: "embedded: the metrics of a stopped plane stay in the host's registry",
    edits: [
      edit("src/host/telemetry.ts", "registry.removeSingleMetric(name)", "registry.getSingleMetric(name)"),
    ],
    test: { file: "test/embedded/options.test.ts", name: "of the host's registry" },
  },
  {
    name: "embedded: rules of retention reach no plane",
    edits: [
      edit(
        "src/plane-settings.ts",
        "retentionOf, stale, acceptClock };",
        "retentionOf: [], stale, acceptClock };",
      ),
    ],
    test: { file: "test/embedded/plane-settings.test.ts", name: "all of them reach the plane" },
  },
  {
    name: "embedded: a start that is refused for its folder of exports keeps the store",
    edits: [
      edit(
        "src/plane-settings.ts",
        "await store.close().catch(() => undefined);",
        "await Promise.resolve();",
      ),
    ],
    test: {
      file: "test/embedded/plane-settings.test.ts",
      name: "the folder of exports is made at the start",
    },
  },
];
