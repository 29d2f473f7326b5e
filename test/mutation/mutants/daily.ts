import { edit, type Mutant, type TestName } from "../mutant.js";

const FILTER = "src/domain/task/filter.ts";
const API = "src/api/tasks/task-filter.ts";
const stored = (name: string): TestName => ({ file: "test/stores/memory.test.ts", name });
const sent = (name: string): TestName => ({ file: "test/gateway/validation.test.ts", name });

const WORKERS = "src/api/workers/list-workers.ts";
const listed = (name: string): TestName => ({ file: "test/api/list-workers.test.ts", name });

/** Ways in which what an operator uses every day could show what is not so. */
export const dailyMutants: readonly Mutant[] = [
  {
    name: "filter: the last instant is included",
    edits: [edit(FILTER, "id < beginningAt(createdBefore)", "id.slice(0, 13) <= beginningAt(createdBefore)")],
    test: stored("keeps to the instants in the ids"),
  },
  {
    name: "filter: a text of another field is as good as the correlation id",
    edits: [
      edit(
        FILTER,
        "spec.correlationId === correlationId",
        "JSON.stringify(spec).includes(JSON.stringify(correlationId))",
      ),
    ],
    test: stored("template, parent, correlation id and creator"),
  },
  {
    name: "filter: a template of another namespace fits",
    edits: [edit(FILTER, '(namespace === "" || made.namespace === namespace) &&\n', "")],
    test: stored("template, parent, correlation id and creator"),
  },
  {
    name: "filter: whatever is in a state of waiting waits",
    edits: [edit("src/domain/task/waiting-reason.ts", "if (ready === 0) return undefined;\n", "")],
    test: stored("those who wait for something"),
  },
  {
    name: "filter: what is paused waits for a worker",
    edits: [edit(FILTER, "taskWaitingCause(task, pauses)", "taskWaitingCause(task, NO_PAUSES)")],
    test: stored("a Task of what is paused waits for the end of the pause"),
  },
  {
    name: "filter: a request knows nothing of what is paused",
    edits: [edit(API, "...(!pauses.isEmpty && { pauses })", "...(pauses.isEmpty && { pauses })")],
    test: { file: "test/testing/plane/bulk.test.ts", name: "neither in a list nor in a bulk" },
  },
  {
    name: "filter: states that the status excludes find nothing, in silence",
    edits: [
      edit(API, "possibleStates(asked).length > 0) return undefined", "asked.states) return undefined"),
    ],
    test: sent("states that the status excludes"),
  },
  {
    name: "filter: a search for children looks at all older Tasks",
    edits: [edit(API, "latest(asked.createdAfterMs, firstChildAt(parentTaskId))", "asked.createdAfterMs")],
    test: { file: "test/api/task-filter.test.ts", name: "not looked for among Tasks that are older" },
  },
  {
    name: "top: the first of a queue is whoever became ready last",
    edits: [edit("src/stores/memory/reads.ts", ".sort(compareReady);", ".sort(compareReady).reverse();")],
    test: stored("a queue tells how many Steps are ready"),
  },
  {
    name: "top: what failed last comes last",
    edits: [
      edit(
        "src/stores/memory/reads.ts",
        "b.finishedAt - a.finishedAt || compare(b.id, a.id)",
        "a.finishedAt - b.finishedAt || compare(a.id, b.id)",
      ),
    ],
    test: stored("what happened lately"),
  },
  {
    name: "top: the queues of all namespaces are shown to everybody",
    edits: [
      edit(
        "src/api/tasks/get-overview.ts",
        "services.plane.agents({ ...caller, namespaces })",
        'services.plane.agents({ ...caller, namespaces: "*" })',
      ),
    ],
    test: { file: "test/runtime/overview.test.ts", name: "of the namespaces that the caller may use" },
  },
  {
    name: "watched list: what goes on is not asked for again",
    edits: [edit("src/cli/task/list-watch.ts", "this.#tasks.findLast((task) => !hasEnded(task)) ?? ", "")],
    test: { file: "test/cli/task-list.test.ts", name: "a watched list in a pipe" },
  },
  {
    name: "watched list: a restart of the server ends it",
    edits: [edit("src/cli/live.ts", 'new Set(["UNAVAILABLE", ', "new Set([")],
    test: { file: "test/cli/task-list.test.ts", name: "a watched list in a pipe" },
  },
  {
    name: "config: a password in a URL is shown",
    edits: [edit("src/cli/config/config.ts", "value: withoutSecrets(setting.value)", "value: setting.value")],
    test: { file: "test/cli/config.test.ts", name: "no password is shown" },
  },
  {
    name: "profile: the one in use counts beside a server that a variable names",
    edits: [edit("src/cli/connection.ts", "env.TASKRUN_ADDR, env.TASKRUN_API_KEY,", "env.TASKRUN_API_KEY,")],
    test: { file: "test/cli/profile.test.ts", name: "its credential goes nowhere that a variable names" },
  },
  {
    name: "profile: one that was removed stays in use",
    edits: [
      edit(
        "src/cli/login/profiles.ts",
        "  if ((await profileInUse(io)) === name) await useProfile(io, undefined);\n",
        "",
      ),
    ],
    test: { file: "test/cli/profile.test.ts", name: "one that is removed is in use no more" },
  },
  {
    name: "doctor: an agent that nobody runs is no matter while some worker is connected",
    edits: [
      edit(
        "src/cli/doctor/server.ts",
        "waiting.filter((agent) => agent.workers === 0)",
        "waiting.filter((agent) => agent.workers < 0)",
      ),
    ],
    test: { file: "test/cli/doctor.test.ts", name: "a mistyped agent" },
  },
  {
    name: "doctor: a lock that it took to look stays",
    edits: [
      edit(
        "src/cli/doctor/local.ts",
        "lockFile({ path, driver: preferredDriver() })();",
        "lockFile({ path, driver: preferredDriver() });",
      ),
    ],
    test: { file: "test/cli/doctor.test.ts", name: "free again afterwards" },
  },
  {
    name: "completion: a name that a shell would carry out is told",
    edits: [edit("src/cli/completion-names.ts", " && isPlain.test(name)", "")],
    test: { file: "test/cli/completion-names.test.ts", name: "no name that a shell would read otherwise" },
  },
  {
    name: "workers: of a namespace those that name another are listed",
    edits: [
      edit(WORKERS, "namespaces.length === 0 || namespaces.includes(namespace)", "namespaces.length >= 0"),
    ],
    test: listed("workers of a namespace are those that name it"),
  },
  {
    name: "workers: a caller lists a namespace that it may not use",
    edits: [edit(WORKERS, "mayUse(caller, namespace) && ", "")],
    test: listed("a caller learns no namespace"),
  },
  {
    name: "workers: a caller is told namespaces that it may not use",
    edits: [
      edit(
        "src/api/workers/seen-worker.ts",
        "info.namespaces.filter((namespace) => mayUse(caller, namespace))",
        "info.namespaces.filter((namespace) => mayUse(caller, namespace) || true)",
      ),
    ],
    test: listed("a caller learns no namespace"),
  },
  {
    name: "dlq: all namespaces are those of the profile",
    edits: [edit("src/cli/connection.ts", 'isAll ? "" : namespace', "namespace")],
    test: { file: "test/cli/dlq.test.ts", name: "every list is of one namespace" },
  },
  {
    name: "top: what is paused is not shown",
    edits: [edit("src/cli/top/frame.ts", "pauses?.length === 0 ? []", "pauses?.length !== 0 ? []")],
    test: { file: "test/cli/top.test.ts", name: "top says what is paused" },
  },
];
