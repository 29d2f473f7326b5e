import { edit, type Mutant, type TestName } from "../mutant.js";

const waiters = "src/runtime/watch/waiters.ts";
const inRuntime = (name: string): TestName => ({ file: "test/runtime/waiters.test.ts", name });
const inApi = (name: string): TestName => ({ file: "test/api/run-task.test.ts", name });
const inGateway = (name: string): TestName => ({ file: "test/gateway/waiting.test.ts", name });
const inClient = (name: string): TestName => ({ file: "test/client/wait.test.ts", name });

/** Ways in which requests that wait for a Task could cost more than they may, miss its end, or get lost. */
export const waitMutants: readonly Mutant[] = [
  {
    name: "wait: a caller that has given up stays in the map",
    edits: [edit(waiters, 'signal?.addEventListener("abort", gone);', "")],
    test: inRuntime("a caller that gives up leaves at once"),
  },
  {
    name: "wait: all that wait for one Task are told in one go",
    edits: [edit(waiters, "waiters.slice(0, waitersAtOnce)", "waiters")],
    test: inRuntime("are told a part at a time"),
  },
  {
    name: "wait: as many as want wait for one Task",
    edits: [edit(waiters, "group.waiters.size >= limits.waitersPerTask", "group.waiters.size < 0")],
    test: inRuntime("more waits of one Task"),
  },
  {
    name: "wait: a drain leaves the waits as they are",
    edits: [
      edit(
        "src/runtime/supervisor.ts",
        'this.#lives.tell({ type: "drain" });\n    this.waiters.close(stopping);',
        'this.#lives.tell({ type: "drain" });',
      ),
    ],
    test: inRuntime("a drain ends every wait"),
  },
  {
    name: "wait: the rows of a Task are given though an earlier Run is missing",
    edits: [edit("src/runtime/turn/perform.ts", "runs.length === step.fence ?", "runs.length > 0 ?")],
    test: inRuntime("rows are given only if the commit had all of them"),
  },
  {
    name: "wait: an AbortSignal is made for each request that waits",
    edits: [
      edit(
        "src/gateway/traffic/streams.ts",
        "this.#aborted = true;",
        "this.#aborted = this.signal !== undefined;",
      ),
    ],
    test: { file: "test/gateway/traffic/streams.test.ts", name: "makes no AbortSignal" },
  },
  {
    name: "wait: whoever calls the plane itself learns how foreign Tasks end",
    edits: [edit("src/runtime/plane/wait.ts", "!mayUse(caller, end.task.namespace)", "false")],
    test: inRuntime("a foreign caller does not learn"),
  },
  {
    name: "wait: every answer reserves the size of a message",
    edits: [
      edit("src/api/tasks/await-end.ts", "request.reserve(mostBytes(end))", "request.reserve(4_194_304)"),
    ],
    test: inApi("and no more than it needs"),
  },
  {
    name: "wait: a Task is created though too many wait",
    edits: [edit(waiters, "this.#count >= limits.waiters", "this.#count < 0")],
    test: inApi("if too many wait already nothing is stored"),
  },
  {
    name: "wait: a request that is refused waits on",
    edits: [
      edit("src/api/tasks/run-task.ts", "  } catch (error) {\n    wait.close();\n", "  } catch (error) {\n"),
    ],
    test: inApi("a request that is refused leaves no wait behind"),
  },
  {
    name: "wait: a peer that is gone is waited for",
    edits: [edit("src/gateway/grpc/grpc.ts", "if (open) transport.onGone(() => streams.close(open));", "")],
    test: inGateway("a caller that is gone no longer waits"),
  },
  {
    name: "wait: the message of a request is kept while it waits",
    edits: [
      edit(
        "src/gateway/rpc.ts",
        "run(useCase, toInput(message as MessageShape<I>), call).then((view) => toAnswer(view, call)),",
        "run(useCase, toInput(message as MessageShape<I>), call).then((view) => toAnswer(view, message && call)),",
      ),
    ],
    test: inGateway("does not keep its message"),
  },
  {
    name: "wait: an older server is not watched in its place",
    edits: [
      edit("src/client/await-end.ts", 'if (error.code === "UNIMPLEMENTED") return wait.fallBack(id);', ""),
    ],
    test: inClient("an older server"),
  },
  {
    name: "wait: a request that may have created the Task is given up after a few tries, or at once",
    edits: [edit("src/client/await-end.ts", 'return reason === "ANSWERS_FULL" || ', "return ")],
    test: inClient("an answer for which there was no room"),
  },
];
