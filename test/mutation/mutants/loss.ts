import { edit, type Mutant, type TestName } from "../mutant.js";

const losses = (name: string): TestName => ({ file: "test/runtime/workers/losses.test.ts", name });
const reconnect = (name: string): TestName => ({ file: "test/worker/reconnect.test.ts", name });

const attempts = "actors/step/attempts.ts";
const stepMachine = "actors/step/machine.ts";
const backoff = "src/worker/protocol/reconnect.ts";

/** Of Runs that are lost with their worker, and of workers that come back while they hold Runs. */
export const lossMutants: readonly Mutant[] = [
  {
    name: "a lost run costs an attempt",
    edits: [
      edit(
        stepMachine,
        "            attempts: context.attempts - 1,\n            losses",
        "            losses",
      ),
    ],
    test: losses("losses and failures are counted apart"),
  },
  {
    name: "a step may lose one run more than it says",
    edits: [edit(attempts, "if (losses <= most)", "if (losses <= most + 1)")],
    test: losses("a step that ends its workers is assigned"),
  },
  {
    name: "losses are forgotten with each failure",
    edits: [
      edit(
        stepMachine,
        "{ errorMessage: event.errorMessage, declines: 0, outputBytes: 0, ...heldForBy(event) }",
        '{ errorMessage: event.errorMessage, declines: 0, outputBytes: 0, ...(event.type === "failed" && { losses: 0 }) }',
      ),
    ],
    test: losses("losses and failures are counted apart"),
  },
  {
    name: "lost output fails the step like an agent",
    edits: [
      edit(
        "actors/run/machine.ts",
        'if (reason === "OUTPUT_LOST") return { how: "lost", reason, workerId, errorMessage };',
        'if (workerId === "") return { how: "lost", reason: "OUTPUT_LOST", workerId, errorMessage };',
      ),
    ],
    test: losses("output that is lost counts as a lost worker does"),
  },
  {
    name: "the worker that lost a step gets it again at once",
    edits: [
      edit(attempts, "avoidUntil: later(at, ceiling(AVOID, losses))", "avoidUntil: later(at, pauseAfter(0))"),
    ],
    test: losses("a step avoids the worker that lost it"),
  },
  {
    name: "a request has a step tried again that its template forbids",
    edits: [
      edit(
        "src/domain/task/losses.ts",
        "return spec.retryable === false ? Math.min(asked, own) : asked;",
        "return asked;",
      ),
    ],
    test: losses("a request says it for every step"),
  },
  {
    name: "a step that is not retryable may lose runs",
    edits: [
      edit(
        "src/domain/graph/tries.ts",
        "max_losses = retryable ? planDefaults.maxLosses : 0",
        "max_losses = planDefaults.maxLosses",
      ),
    ],
    test: losses("a template's step may lose three runs"),
  },
  {
    name: "an old step that had one try may lose runs",
    edits: [
      edit(
        "src/domain/task/losses.ts",
        "return maxAttempts === 1 && planned !== MAIN_STEP ? 0 : limits.defaultLosses;",
        "return planned === MAIN_STEP && maxAttempts === 0 ? 0 : limits.defaultLosses;",
      ),
    ],
    test: { file: "test/domain/losses.test.ts", name: "a step from before there were losses" },
  },
  {
    name: "a key is another one after an upgrade",
    edits: [
      edit(
        "src/api/tasks/identity.ts",
        "...(request.maxLosses === undefined ? [] : [{ maxLosses: request.maxLosses }]),",
        "{ maxLosses: request.maxLosses },",
      ),
    ],
    test: {
      file: "test/gateway/identity.test.ts",
      name: "a request is known as it was before there were losses",
    },
  },
  {
    name: "a worker that holds runs waits as long as any other before it reconnects",
    edits: [edit(backoff, "millis(Math.min(limits.reconnectMost, share))", "limits.reconnectMost")],
    test: reconnect("no two tries are further apart"),
  },
  {
    name: "a try to connect may take all that is left of the lease",
    edits: [edit(backoff, "leaseLeftMs / 2", "leaseLeftMs")],
    test: reconnect("a try without an answer takes half"),
  },
  {
    name: "a worker speaks as seldom as it is asked to",
    edits: [
      edit(
        "src/worker/protocol/session.ts",
        "Math.min(Number(welcome.heartbeatMs), seldomMs)",
        "Math.min(Number(welcome.heartbeatMs), 2 * seldomMs + seldomMs)",
      ),
    ],
    test: reconnect("a worker speaks six times in a lease"),
  },
];
