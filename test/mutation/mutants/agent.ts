import { edit, type Mutant, type TestName } from "../mutant.js";

const plane = (name: string): TestName => ({ file: "test/runtime/workers/agents.test.ts", name });
const defaults = (name: string): TestName => ({ file: "test/actors/agent-defaults.test.ts", name });
const terms = (name: string): TestName => ({ file: "test/api/agent-terms.test.ts", name });
const retried = (name: string): TestName => ({ file: "test/worker/retried.test.ts", name });

const directory = "src/runtime/memory/agents.ts";
const roster = "src/runtime/memory/roster.ts";
const placement = "actors/scheduler/placement.ts";
const tries = "src/domain/graph/tries.ts";
const agentTerms = "src/api/tasks/agent-terms.ts";
const draft = "src/api/tasks/draft.ts";

/** Of what agents announce: defaults of Tasks, places at workers, schemas of inputs. */
export const agentMutants: readonly Mutant[] = [
  {
    name: "the agent wins over the template",
    edits: [edit(tries, "backoff: open.backoff ? backoff : own.backoff", "backoff: backoff ?? own.backoff")],
    test: defaults("a template wins over the agent"),
  },
  {
    name: "an agent has a step retried that its template forbids to",
    edits: [
      edit(
        tries,
        "attempts: retryable && max_attempts === undefined",
        "attempts: max_attempts === undefined",
      ),
    ],
    test: defaults("a step that is not to be retried is not"),
  },
  {
    name: "the agent wins over the request",
    edits: [edit(draft, "maxAttempts || attemptsOf(agent)", "attemptsOf(agent) || maxAttempts")],
    test: terms("how often a Task is tried"),
  },
  {
    name: "a worker gets as many runs of an agent as it has slots",
    edits: [
      edit(
        placement,
        "held < session.capacity && (left?.get(agentName) ?? 1) > 0",
        "held < session.capacity",
      ),
    ],
    test: plane("a worker gets no more Runs of an agent than it announced"),
  },
  {
    name: "each lane counts for itself what a worker takes of an agent",
    edits: [edit(placement, "taker.left?.set(agentName, left - 1)", "taker.left?.set(agentName, left)")],
    test: plane("the lanes of one agent share"),
  },
  {
    name: "runs that are taken back do not count for the concurrency of their agent",
    edits: [
      edit(
        roster,
        "if (!place.held.has(runId)) countAgent(place, after.agentName, 1, journal);",
        'if (!before || before.heldBy === "") countAgent(place, after.agentName, 1, journal);',
      ),
    ],
    test: plane("Runs that a worker takes back count"),
  },
  {
    name: "what a draining worker announces counts",
    edits: [
      edit(
        directory,
        'return state === "serving" || state === "failing";',
        'return state === "serving" || state === "failing" || state === "draining";',
      ),
    ],
    test: plane("workers of one agent agree, or do not"),
  },
  {
    name: "announcements are not remembered",
    edits: [
      edit(
        directory,
        "for (const row of rows) {\n      this.#known.set",
        "for (const row of []) {\n      this.#known.set",
      ),
    ],
    test: plane("announcements outlive a restart"),
  },
  {
    name: "every connection is written down",
    edits: [edit(directory, "if (isRecent && isSame(stored, row)) return undefined;", "")],
    test: plane("a worker that connects again and again"),
  },
  {
    name: "an agent that is connected is forgotten when there are too many",
    edits: [
      edit(
        directory,
        "if (row && current.length === 0 && (!oldest || row.seenAt < oldest.seenAt)) oldest = row;",
        "if (row && (!oldest || row.seenAt < oldest.seenAt)) oldest = row;",
      ),
    ],
    test: plane("of more agents than are remembered"),
  },
  {
    name: "the newest announcement decides although its worker is gone",
    edits: [
      edit(
        "src/domain/worker/agent.ts",
        "return isCurrent ? row?.announced : current.at(-1)?.announced;",
        "return row?.announced;",
      ),
    ],
    test: plane("after a roll-back the defaults are"),
  },
  {
    name: "a schema is enforced while workers do not agree",
    edits: [edit(agentTerms, "if (only && !second) {", "if (only) {")],
    test: terms("while workers do not agree"),
  },
  {
    name: "a known key is refused because a schema was announced since",
    edits: [
      edit(draft, 'if (refusal && idempotencyKey === "") throw refusal;', "if (refusal) throw refusal;"),
    ],
    test: terms("with a key the plane decides"),
  },
  {
    name: "announced attempts are part of a fingerprint",
    edits: [
      edit("src/api/tasks/identity.ts", "    request.maxAttempts,\n", "    request.maxAttempts || 1,\n"),
    ],
    test: {
      file: "test/api/identity.test.ts",
      name: "a request has the fingerprint that earlier releases have stored",
    },
  },
  {
    name: "the cause of an error is not looked at for retry.only",
    edits: [edit("src/worker/agent/retried.ts", "at = cause;", "at = undefined;")],
    test: retried("an error by that of its cause"),
  },
  {
    name: "retry.only overrules an AgentError",
    edits: [
      edit(
        "src/worker/agent/outcome.ts",
        'outcome.status === "FAILED" && outcome.retryable === undefined',
        'outcome.status === "FAILED"',
      ),
    ],
    test: retried("an AgentError that says whether it is retryable"),
  },
];
