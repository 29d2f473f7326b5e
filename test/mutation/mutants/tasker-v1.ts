import { edit, type Mutant, type TestName } from "../mutant.js";

const tasks = (name: string): TestName => ({ file: "test/gateway/tasker/task-service.test.ts", name });
const steps = (name: string): TestName => ({ file: "test/gateway/tasker/step-service.test.ts", name });
const dlq = (name: string): TestName => ({ file: "test/gateway/tasker/dlq-service.test.ts", name });
const server = (name: string): TestName => ({ file: "test/gateway/tasker/server-services.test.ts", name });
const faults = (name: string): TestName => ({ file: "test/gateway/tasker/faults.test.ts", name });
const SERVICES = "src/gateway/tasker/services";

/** Ways in which clients of Tasker could be told what is not so over gRPC. */
export const taskerV1Mutants: readonly Mutant[] = [
  {
    name: "tasker.v1: a Task that was resolved by hand is told as one that has failed",
    edits: [
      edit(
        `${SERVICES}/task-status.ts`,
        'if (state === "complete" || state === "resolved_manually")',
        'if (state === "complete")',
      ),
    ],
    test: tasks("goes on until it is resolved by hand"),
  },
  {
    name: "tasker.v1: a watch begins with the whole log instead of how the Task stands",
    edits: [
      edit(`${SERVICES}/task-status.ts`, "  if (isTerminal(task.state)) return;\n", ""),
      edit(`${SERVICES}/task-status.ts`, "BigInt(await lastSeq())", "BigInt((await lastSeq()) * 0)"),
    ],
    test: tasks("its states are told as they come"),
  },
  {
    name: "tasker.v1: an id that is no UUID is looked for",
    edits: [edit(`${SERVICES}/fields.ts`, "if (UUID.test(uuid)) return uuid;", "return uuid;")],
    test: tasks("task_uuid is refused by name"),
  },
  {
    name: "tasker.v1: the room of an answer counts no values",
    edits: [edit(`${SERVICES}/struct-room.ts`, "values > this.#values || ", "")],
    test: faults("the room of an answer is shared"),
  },
  {
    name: "tasker.v1: a context lacks results that have no room, and nobody is told",
    edits: [
      edit(
        `${SERVICES}/task-parts.ts`,
        "if (parts) return parts;",
        "if (parts) return parts;\n  return { inputs: {}, outputs: {}, merged: {} };",
      ),
    ],
    test: tasks("what is too large as Structs"),
  },
  {
    name: "tasker.v1: in a merged context the input hides the results",
    edits: [
      edit(
        `${SERVICES}/task-parts.ts`,
        "merged: { ...inputs, ...outputs }",
        "merged: { ...outputs, ...inputs }",
      ),
    ],
    test: tasks("its Steps and its context come"),
  },
  {
    name: "tasker.v1: what cannot be cancelled is no invalid request",
    edits: [edit(`${SERVICES}/task-service.ts`, 'throw asInvalid("task_uuid", error);', "throw error;")],
    test: tasks("a watch of a Task that is cancelled"),
  },
  {
    name: "tasker.v1: only a page of the rows is sorted",
    edits: [edit(`${SERVICES}/task-list.ts`, "limit: limits.taskerSorted }", "limit }")],
    test: tasks("Tasks are listed by offset"),
  },
  {
    name: "tasker.v1: what is full is not UNAVAILABLE",
    edits: [edit(`${SERVICES}/index.ts`, "].map(inTaskersWords);", "];")],
    test: faults("over grpc"),
  },
  {
    name: "gRPC: retry-after is not in the trailers",
    edits: [
      edit(
        "src/gateway/grpc/status.ts",
        "for (const [name, value] of Object.entries(headersOf(fault))) metadata.set(name, value);",
        "",
      ),
    ],
    test: faults("over grpc"),
  },
  {
    name: "tasker.v1: a result given with another decision is dropped",
    edits: [edit("src/api/tasks/resolve-step.ts", 'resultJson !== "" && action !== "complete"', "false")],
    test: steps("what is wrong in a request"),
  },
  {
    name: "tasker.v1: each entry of an audit has the result that its Step has now",
    edits: [edit("src/gateway/tasker/shapes/step-history.ts", 'entry === last ? result : ""', "result")],
    test: steps("a Step that has failed is reset"),
  },
  {
    name: "tasker.v1: who decided by hand is not kept",
    edits: [edit(`${SERVICES}/step-service.ts`, "reason: resolvedBy(performedBy, reason),", "reason,")],
    test: steps("a Step is completed by hand"),
  },
  {
    name: "tasker.v1: entries whose Tasks have gone on are not listed as resolved",
    edits: [edit(`${SERVICES}/dlq-service.ts`, "word && namesOf(word)", "word && namesOf(word).slice(0, 1)")],
    test: dlq("one whose Task has gone on"),
  },
  {
    name: "tasker.v1: health is refused while the server drains",
    edits: [
      edit("src/gateway/http/connect.ts", "served.health.draining && !rpc.always", "served.health.draining"),
    ],
    test: server("health goes on while the server drains"),
  },
  {
    name: "tasker.v1: the facts of a server have the URL of its keys",
    edits: [edit("src/host/server-facts.ts", "issuer: jwtIssuer, audience", "issuer: jwtKeys, audience")],
    test: server("settings are shown by a closed list"),
  },
];
