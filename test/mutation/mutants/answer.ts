import { edit, type Mutant, type TestName } from "../mutant.js";

const admission = "src/gateway/traffic/answer-admission.ts";
const inTest = (name: string): TestName => ({ file: "test/gateway/traffic/answer-admission.test.ts", name });

/** Ways in which answers that nobody reads could fill the memory, or keep others from theirs. */
export const answerMutants: readonly Mutant[] = [
  {
    name: "answer: each is read at once, whoever has not read the last",
    edits: [
      edit(
        admission,
        "return this.#budget.bytes + bytes <= most && withinShare(quota, bytes);",
        "return true;",
      ),
    ],
    test: inTest("are read from the store for a part of those who ask"),
  },
  {
    name: "answer: a Task is read without room for it",
    edits: [edit("src/api/tasks/get-task.ts", "  answerBytes: limits.messageBytes,\n", "")],
    test: inTest("are read from the store for a part of those who ask"),
  },
  {
    name: "answer: one connection takes what all have",
    edits: [edit(admission, "quota.bytes + bytes <= limits.answersPerConnection", "bytes > 0")],
    test: inTest("a connection has its share"),
  },
  {
    name: "answer: who has nothing waits for those who do not read",
    edits: [
      edit(
        admission,
        "quota.bytes === 0 ? limits.bufferedBytesMost : limits.bufferedBytes",
        "limits.bufferedBytes",
      ),
    ],
    test: inTest("when all is full, who has nothing is served"),
  },
  {
    name: "answer: it is read for a peer that is gone",
    edits: [edit(admission, "if (waiting.sending === sending) waiting.cut(CANCELLED.fault);", "")],
    test: inTest("who waits is refused in the end"),
  },
  {
    name: "answer: over HTTP/2 it is written for ever to who has left",
    edits: [
      edit(
        "src/gateway/http/response.ts",
        '"stream" in response ? response.stream.destroyed : response.destroyed',
        "response.destroyed",
      ),
    ],
    test: { file: "test/gateway/traffic/slow-watcher.test.ts", name: "a watcher that leaves is over" },
  },
  {
    name: "peer: what is compressed is expanded for who has left",
    edits: [edit("src/gateway/traffic/compression.ts", "if (!wanted()) throw CANCELLED.fault;", "")],
    test: {
      file: "test/gateway/connections/received-bytes.test.ts",
      name: "nothing is expanded for who has gone",
    },
  },
  {
    name: "answer: one connection is served to its end before the next",
    edits: [edit(admission, "if (this.#quotas.delete(quota)) this.#quotas.add(quota);", "")],
    test: inTest("connections take turns"),
  },
  {
    name: "what a paused watcher keeps is not counted",
    edits: [
      edit(
        "src/gateway/handlers/watched-events.ts",
        "    if (kept > limits.watchUncountedBytes) keep(kept);\n",
        "",
      ),
    ],
    test: {
      file: "test/gateway/traffic/slow-watcher.test.ts",
      name: "a slice of the log counts as kept for its watcher",
    },
  },
];
