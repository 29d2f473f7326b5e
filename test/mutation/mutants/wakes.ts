import { edit, type Mutant } from "../mutant.js";

const wakes = { file: "test/runtime/nodes/wakes.test.ts" };
const several = { file: "test/transport/several.test.ts" };

/** Of what nodes tell each other, and of clients and workers with several addresses. */
export const wakeMutants: readonly Mutant[] = [
  {
    name: "other nodes are not told of a commit",
    edits: [
      edit("src/runtime/nodes/node-wakes.ts", "    if (wakes.length > 0) this.#broker.publish(wakes);\n", ""),
    ],
    test: { ...wakes, name: "created here, watched there" },
  },
  {
    name: "who was alone does not hear that another node has come",
    edits: [edit("src/runtime/nodes/wake-listener.ts", "    nodes?.otherHeard();\n", "")],
    test: { ...wakes, name: "who is alone tells nobody" },
  },
  {
    name: "an ended task of another node is never read for those who wait",
    edits: [edit("src/runtime/nodes/followed-tasks.ts", "      if (ended) this.#ended.add(taskId);\n", "")],
    test: { ...wakes, name: "created here, watched there" },
  },
  {
    name: "all ended tasks are read at once",
    edits: [
      edit(
        "src/runtime/nodes/followed-tasks.ts",
        "      if (this.#reading >= limits.endsReadAtOnce) return;\n",
        "      if (this.#reading >= 1_000 * limits.endsReadAtOnce) return;\n",
      ),
    ],
    test: { ...wakes, name: "a few are read at a time" },
  },
  {
    name: "a watcher that has missed a wake is taken to know what another one has read",
    edits: [edit("src/runtime/watch/watchers.ts", "const seq = Math.min(", "const seq = Math.max(-1, ")],
    test: { ...wakes, name: "asked for with its own seq" },
  },
  {
    name: "the first followed tasks are asked for each time",
    edits: [
      edit(
        "src/runtime/nodes/round-robin.ts",
        "    const page: Key[] = [];\n",
        "    const page: Key[] = [];\n    this.#left = undefined;\n",
      ),
    ],
    test: { ...wakes, name: "take turns" },
  },
  {
    name: "each later deadline is told, too",
    edits: [
      edit(
        "src/runtime/nodes/wakes.ts",
        "let first = nextDueAt ?? Number.POSITIVE_INFINITY;",
        "let first = nextDueAt === undefined ? Number.POSITIVE_INFINITY : Number.MAX_VALUE;",
      ),
    ],
    test: { ...wakes, name: "a turn publishes one batch" },
  },
  {
    name: "what was dropped in an outage is not told as a gap",
    edits: [edit("src/brokers/pending.ts", "    this.#missed = true;\n", "    this.#missed = false;\n")],
    test: { file: "test/brokers/local.test.ts", name: "begins to listen is told of a gap" },
  },
  {
    name: "a lane's key is sent however long it is",
    edits: [
      edit(
        "src/brokers/payload.ts",
        "  return Buffer.byteLength(text) > limits.wakeBytes / 2 ? JSON.stringify(GAP) : text;\n",
        "  return text;\n",
      ),
      edit(
        "src/brokers/payload.ts",
        '["r", Buffer.byteLength(wake.lane) > limits.wakeLaneBytes ? "" : wake.lane]',
        '["r", wake.lane]',
      ),
    ],
    test: { file: "test/brokers/payload.test.ts", name: "no payload is too long" },
  },
  {
    name: "a server that has failed is used on",
    edits: [
      edit(
        "src/transport/servers.ts",
        "this.#current = (this.#current + 1) % this.#urls.length;\n  }",
        "this.#current = this.#current % this.#urls.length;\n  }",
      ),
    ],
    test: { ...several, name: "of calls that fail together" },
  },
  {
    name: "a request that may have been carried out is sent to another server",
    edits: [edit("src/transport/several.ts", "(isRead(method.name) && isAway(error))", "isAway(error)")],
    test: { ...several, name: "a read under way" },
  },
  {
    name: "a server counts as answering once it accepts connections",
    edits: [edit("src/transport/probe.ts", 'session.once("remoteSettings"', 'session.once("connect"')],
    test: { ...several, name: "if none answers" },
  },
  {
    name: "all clients use the first server",
    edits: [
      edit(
        "src/transport/servers.ts",
        "this.#urls = shuffled(urls, draw);",
        "this.#urls = draw() < 2 ? urls : shuffled(urls, draw);",
      ),
    ],
    test: { ...several, name: "clients spread over the servers" },
  },
];
