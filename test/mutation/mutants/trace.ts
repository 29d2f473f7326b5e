import { edit, type Mutant, type TestName } from "../mutant.js";

const tasks = (name: string): TestName => ({ file: "test/tracing/tasks.test.ts", name });
const parsing = (name: string): TestName => ({ file: "test/domain/trace.test.ts", name });
const collectors = (name: string): TestName => ({ file: "test/tracing/collectors.test.ts", name });
const host = (name: string): TestName => ({ file: "test/tracing/host.test.ts", name });
const recorded = (name: string): TestName => ({ file: "test/tracing/restarts.test.ts", name });

const trace = "src/domain/task/trace.ts";
const spans = "src/tracing/task-spans.ts";
const draft = "src/api/tasks/draft.ts";
const recorder = "src/runtime/watch/trace-recorder.ts";
const planeTracing = "src/tracing/plane-tracing.ts";
const bounded = "src/tracing/bounded-export.ts";

/** Of traces: what they have, who is below whom, and what they cost. */
export const traceMutants: readonly Mutant[] = [
  {
    name: "a traceparent of zeros counts",
    edits: [edit(trace, "(?!0{32})[0-9a-f]{32}-(?!0{16})", "[0-9a-f]{32}-")],
    test: parsing("has a trace id of zeros"),
  },
  {
    name: "flags that are not known are passed on",
    edits: [edit(trace, "const KNOWN_FLAGS = 3;", "const KNOWN_FLAGS = 255;")],
    test: parsing("keeps no flags that are not known"),
  },
  {
    name: "a worker is sent to a span that nobody records",
    edits: [edit(trace, "return recorded ?", "return recorded || true ?")],
    test: parsing("a Run's worker gets the Run's span"),
  },
  {
    name: "a child task begins at the root of its trace",
    edits: [edit(spans, "const above = parent ?", "const above = parent && false ?")],
    test: tasks("of a child Task"),
  },
  {
    name: "a compensation has no link to what it compensates",
    edits: [edit(spans, 'relation: "compensates"', 'relation: "follows"')],
    test: tasks("of a compensation"),
  },
  {
    name: "a retried task stays in the trace of the one before",
    edits: [
      edit(draft, "const { traceparent: _, ...spec } = task.spec;", "const { spec } = task;"),
      edit(draft, "...(traceparent && { traceparent }),", ""),
    ],
    test: tasks("of a Task that is tried again which one it was"),
  },
  {
    name: "a trace has what an agent's error says",
    edits: [
      edit(
        spans,
        '...outcome(status, status === "COMPLETED" ? "" : reason),',
        "...outcome(status, step.errorMessage),",
      ),
    ],
    test: tasks("of failures by their reason"),
  },
  {
    name: "a failed step that waits for an operator is recorded twice",
    edits: [
      edit(
        recorder,
        "if (isHeld(after, task) || !hasBegun(after)) return false;",
        "if (!hasBegun(after)) return false;",
      ),
    ],
    test: tasks("of a Step that an operator tries again once"),
  },
  {
    name: "a step that never began has a span",
    edits: [edit(recorder, 'return state !== "cancelled" || startedAt !== NEVER;', "return true;")],
    test: tasks("of a cancelled Task, and not of Steps that never began"),
  },
  {
    name: "what is not sampled is recorded",
    edits: [edit(recorder, "return trace !== undefined && isSampled(trace);", "return trace !== undefined;")],
    test: tasks("is not recorded if the client's is not sampled"),
  },
  {
    name: "the sampler is not asked",
    edits: [edit(planeTracing, "isSampled = isSampledBy(sampler, task, parent);", "isSampled = true;")],
    test: tasks("is not begun by the sampler always_off"),
  },
  {
    name: "the host's tracer is changed",
    edits: [
      edit(
        planeTracing,
        "const tracer: Tracer = Object.create(given, {",
        "const tracer: Tracer = Object.defineProperties(given, {",
      ),
    ],
    test: host("the spans of others get ids of the host's"),
  },
  {
    name: "spans wait without bound",
    edits: [edit(bounded, "this.#waiting >= this.#most", "false")],
    test: collectors("that is gone costs spans"),
  },
  {
    name: "what a crash may have lost is not sent again",
    edits: [edit(recorder, "createdAt <= this.#formerEnd || holdOnFailure", "holdOnFailure")],
    test: recorded("sends again what a crash may have lost"),
  },
  {
    name: "what was sent long before a restart is sent again",
    edits: [edit(recorder, "finishedAt > this.#formerEnd - limits.spansLost", "true")],
    test: recorded("sends again what a crash may have lost"),
  },
];
