import { edit, type Mutant, type TestName } from "../mutant.js";

const slots = (name: string): TestName => ({ file: "test/gateway/orchestrator/slot-worker.test.ts", name });
const scheduler = (name: string): TestName => ({
  file: "test/gateway/orchestrator/scheduler-service.test.ts",
  name,
});
const gateway = (name: string): TestName => ({
  file: "test/gateway/orchestrator/gateway-service.test.ts",
  name,
});
const compat = (name: string): TestName => ({ file: "test/gateway/connections/compat.test.ts", name });
const WORKER = "src/gateway/orchestrator/slot-worker.ts";
const PROGRESS = "src/gateway/orchestrator/progress.ts";
const AGENTS = "src/api/workers/submitted-agents.ts";
const PLACEMENT = "actors/scheduler/placement.ts";

/** Ways in which clients and workers of orchestrator.v1 could be told, or given, what is not so. */
export const orchestratorMutants: readonly Mutant[] = [
  {
    name: "orchestrator: a worker gets a second Run of a Task that it has in hand",
    edits: [
      edit(PLACEMENT, "  const tasks = heldTasks && new Set(heldTasks);", "  const tasks = undefined;"),
    ],
    test: slots("is not joined by another one of its Task, however long it takes"),
  },
  {
    name: "orchestrator: two Steps of a Task are placed on one worker in one round",
    edits: [edit(PLACEMENT, "  taker.tasks?.add(taskId);\n", "")],
    test: slots(
      "of several Steps of one Task a worker is given one at a time, and what others wait for meanwhile",
    ),
  },
  {
    name: "orchestrator: a Step that must wait keeps others of its lane waiting",
    edits: [
      edit(
        PLACEMENT,
        'if (avoided === "" && !queue.takers.some((each) => each.tasks && hasRoom(each, queue.agentName)))',
        'if (avoided === "")',
      ),
    ],
    test: slots(
      "of several Steps of one Task a worker is given one at a time, and what others wait for meanwhile",
    ),
  },
  {
    name: "orchestrator: an assignment that the worker has not counted makes a slot",
    edits: [
      edit(WORKER, "({ spoken, toldAt }) => spoken || this.#now - toldAt >= limits.slotsLag,", "() => true,"),
    ],
    test: slots("an assignment that the worker may not have counted yet gives it no further slot"),
  },
  {
    name: "orchestrator: what a worker has in hand is no part of its capacity",
    edits: [
      edit(WORKER, "Math.max(free + counted.length, Math.min(this.#given.size, 1))", "Math.max(free, 1)"),
    ],
    test: slots("what is free and what is taken are what it can hold"),
  },
  {
    name: "orchestrator: a worker without a slot is one that does not say how many",
    edits: [edit(WORKER, "info: its, capacity: slots }", "info: its }")],
    test: slots("a worker without a free slot gets nothing until it has one"),
  },
  {
    name: "orchestrator: a worker does not learn what is asked for while it is connected",
    edits: [
      edit(
        "src/runtime/watch/worker-connection.ts",
        "agents && !haveSameNames(agents, row.info.agents) && { agents }",
        "undefined",
      ),
    ],
    test: scheduler("are those that were asked for, as of its next heartbeat"),
  },
  {
    name: "orchestrator: agents are known without a worker of theirs being counted",
    edits: [
      edit(
        "src/runtime/memory/agents.ts",
        "for (const spec of is) if (!was.includes(spec)) changed(spec, true);",
        "",
      ),
    ],
    test: scheduler("are those that were asked for, as of its next heartbeat"),
  },
  {
    name: "orchestrator: a start forgets what was asked for",
    edits: [
      edit(
        AGENTS,
        "for (const task of tasks.toReversed()) this",
        "for (const task of tasks.slice(0, 0)) this",
      ),
    ],
    test: scheduler("are found again by the Tasks that wait, after a start"),
  },
  {
    name: "orchestrator: a Task of a template names an agent without a name",
    edits: [edit(AGENTS, 'if (agentName === "" || this', "if (this")],
    test: scheduler("are found again by the Tasks that wait, after a start"),
  },
  {
    name: "orchestrator: agents of other namespaces are told",
    edits: [edit(AGENTS, "mayUse(caller, namespace) && mayRun(name)", "mayRun(name)")],
    test: scheduler("are of the namespaces that it may use"),
  },
  {
    name: "orchestrator: a result is passed on with the Run still in hand",
    edits: [edit(WORKER, "        this.#given.delete(given.taskId);\n", "")],
    test: slots("is not joined by another one of its Task, however long it takes"),
  },
  {
    name: "orchestrator: a Step that is tried again keeps the share of the attempt before",
    edits: [edit(PROGRESS, "    this.#shares.set(stepName, 0);\n", "")],
    test: gateway("a Step that is tried again begins anew, and a Task that fails says why"),
  },
  {
    name: "orchestrator: a share may be more than the whole",
    edits: [
      edit(PROGRESS, "Math.min(share, 1)", "share"),
      edit(PROGRESS, "Math.min(Math.floor((100 * sum) / total), 100)", "Math.floor((100 * sum) / total)"),
    ],
    test: gateway("progress is told from the beginning, then live, to the end"),
  },
  {
    name: "orchestrator: max_retries are tries in all",
    edits: [
      edit(
        "src/gateway/orchestrator/task-spec.ts",
        "maxAttempts: maxRetries + 1,",
        "maxAttempts: maxRetries,",
      ),
    ],
    test: gateway("a TaskSpec becomes a Task of the agent that it names"),
  },
  {
    name: "orchestrator: a refusal names a field that its caller does not have",
    edits: [edit("src/gateway/orchestrator/words.ts", "throw inWords(names, error);", "throw error;")],
    test: gateway("a long name is refused in the words of a TaskSpec"),
  },
  {
    name: "compat: an address that other machines can reach is opened unasked",
    edits: [
      edit(
        "src/gateway/listeners.ts",
        "checkReach(address, insecure || isSafe);",
        "checkReach(address, true);",
      ),
    ],
    test: compat("an address that other machines can reach is refused as any other"),
  },
  {
    name: "compat: a taken address does not say what it was for",
    edits: [
      edit(
        "src/gateway/listeners.ts",
        "const fault = named(name, bindFault(address, error));",
        "const fault = bindFault(address, error);",
      ),
    ],
    test: compat("an address that is taken is named with the system it was for, and no other stays open"),
  },
  {
    name: "compat: the reads of a worker of Tasker have the routes of all others",
    edits: [
      edit(
        "src/gateway/listeners.ts",
        "overHttp(mounts.compat[name] ?? mounts.http)",
        "overHttp(mounts.http)",
      ),
    ],
    test: compat("the reads of a worker of Tasker have paths of their own over HTTP"),
  },
];
