import { edit, type Mutant } from "../mutant.js";

const peer = "src/gateway/http/peer.ts";

/** Ways in which an API could answer otherwise than it says, whoever asks. */
export const everyApiMutants: readonly Mutant[] = [
  {
    name: "api: a connection is closed on who was answered early",
    edits: [
      edit(
        peer,
        "if (!request.complete) discardRest(request);",
        "if (!request.complete) request.socket.destroy();",
      ),
    ],
    test: {
      file: "test/gateway/connections/listeners.test.ts",
      name: "who was answered before the end of a request may end it",
    },
  },
  {
    name: "api: a large request is read to its end though it is answered",
    edits: [edit(peer, "announced > limits.discardedBytes", "announced > limits.discardedBytes ** 2")],
    test: {
      file: "test/gateway/connections/listeners.test.ts",
      name: "of a large request that was answered before its end, the rest is not read",
    },
  },
  {
    name: "api: the document leaves out what a change answers",
    edits: [
      edit(
        "src/gateway/tasker/rest/documents/dead-letters.ts",
        'withMembers("TaskerDlqEntry", changed)',
        'schemaOf("TaskerDlqEntry")',
      ),
    ],
    test: { file: "test/gateway/tasker/matrix.test.ts", name: "is answered, and is told of in the document" },
  },
  {
    name: "api: a worker of orchestrator.v1 without slots keeps those that it had",
    edits: [
      edit(
        "src/runtime/watch/worker-connection.ts",
        "capacity !== undefined && capacity !== row.capacity",
        "capacity && capacity !== row.capacity",
      ),
    ],
    test: {
      file: "test/gateway/orchestrator/slot-worker.test.ts",
      name: "a worker without a free slot gets nothing until it has one",
    },
  },
  {
    name: "api: links forget where a host serves them",
    edits: [edit("src/gateway/http/handler.ts", "? baseUrl : ", '? "" : ')],
    test: {
      file: "test/embedded/handler.test.ts",
      name: "under a prefix links lead to the paths that there are",
    },
  },
  {
    name: "api: a stream's end names a field of another protocol",
    edits: [edit("src/gateway/worker-stream.ts", "frames.abandon(said(fault))", "frames.abandon(fault)")],
    test: {
      file: "test/gateway/orchestrator/scheduler-service.test.ts",
      name: "has the id of another credential's worker",
    },
  },
];
