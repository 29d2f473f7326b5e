import { edit, type Mutant } from "../mutant.js";

const claude = "test/worker/claude.test.ts";
const openai = "test/worker/openai.test.ts";
const openaiFailures = "test/worker/openai-failures.test.ts";
const transcript = "src/worker/claude/transcript.ts";
const usage = "src/worker/claude/claude-usage.ts";
const options = "src/worker/claude/options.ts";
const failures = "src/worker/claude/failures.ts";

/** Of the agents that ask a model: what they give away, count twice, or leave running. */
export const modelMutants: readonly Mutant[] = [
  {
    name: "the prompt of Claude Code can be seen in the list of processes",
    edits: [
      edit(
        "src/worker/claude/claude.ts",
        "argumentsOf(options, sessionId)",
        "[...argumentsOf(options, sessionId), prompt]",
      ),
    ],
    test: { file: claude, name: "options become arguments, the prompt never" },
  },
  {
    name: "Claude Code gets the worker's secrets",
    edits: [edit("src/worker/claude/claude.ts", '!name.startsWith("TASKRUN_")', 'name !== ""')],
    test: { file: claude, name: "without its secrets" },
  },
  {
    name: "Claude Code may do everything by default",
    edits: [
      edit(
        options,
        "...(options.dangerouslySkipPermissions ?",
        "...(options.dangerouslySkipPermissions !== false ?",
      ),
    ],
    test: { file: claude, name: "no permission is skipped unless" },
  },
  {
    name: "a session's id can be an option of Claude Code",
    edits: [
      edit(
        "src/worker/claude/session-journal.ts",
        "/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/",
        "/^[A-Za-z0-9_-]{1,128}$/",
      ),
    ],
    test: { file: claude, name: "or with a session that is an option" },
  },
  {
    name: "text that came in parts is written once more as a whole",
    edits: [edit(transcript, 'id !== "" && id === this.#streamed', "false")],
    test: { file: claude, name: "text that comes in parts is written once" },
  },
  {
    name: "a subagent's words are the agent's output",
    edits: [edit(transcript, "parent || isWritten || error", "isWritten || error")],
    test: { file: claude, name: "the session and every tool call are events" },
  },
  {
    name: "tokens are counted with every block of a message, and again at the end",
    edits: [edit(usage, "this.#messages.get(id) ?? none", "none")],
    test: { file: claude, name: "so that the sum is the program's own" },
  },
  {
    name: "a continued session is counted from its beginning",
    edits: [edit(usage, "this.#isContinued || models.length === 0", "models.length === 0")],
    test: { file: claude, name: "what it used before is not counted again" },
  },
  {
    name: "who is logged in no more is told of a failed API",
    edits: [edit(failures, 'apiError === "authentication_failed" ||', "false ||")],
    test: { file: claude, name: "expired is a failure" },
  },
  {
    name: "a limit of the account is tried again at once",
    edits: [edit(failures, "limitedUntilMs > nowMs", "limitedUntilMs < nowMs")],
    test: { file: claude, name: "an account that has reached its limit" },
  },
  {
    name: "a program that forgets to end keeps the run open",
    edits: [
      edit(
        "src/worker/claude/claude.ts",
        "if (transcript.result) clear = after(limits.modelFarewell, endNow);",
        "",
      ),
    ],
    test: { file: claude, name: "a program that does not end after its result" },
  },
  {
    name: "one message that is too long ends the run",
    edits: [
      edit(
        "src/worker/claude/message-lines.ts",
        "    this.#isDropping = true;\n",
        "    throw new RangeError();\n",
      ),
    ],
    test: { file: claude, name: "a message that is too long to be read" },
  },
  {
    name: "a key is told with what the model's server says",
    edits: [edit("src/worker/openai/failures.ts", 'words.replaceAll(apiKey, "***")', "words")],
    test: { file: openaiFailures, name: "a key is not told" },
  },
  {
    name: "a model's server is asked again sooner than it says",
    edits: [edit("src/worker/openai/failures.ts", "return seconds * 1_000;", "return seconds;")],
    test: { file: openaiFailures, name: "is tried again, after as long as" },
  },
  {
    name: "what is wrong with a request is tried again",
    edits: [edit("src/worker/openai/failures.ts", "status === 429 || status >= 500", "status >= 400")],
    test: { file: openaiFailures, name: "is not tried again" },
  },
  {
    name: "the client tries again by itself",
    edits: [edit("src/worker/openai/openai.ts", "maxRetries: 0", "maxRetries: 2")],
    test: { file: openaiFailures, name: "is tried again, after as long as" },
  },
  {
    name: "half an answer is a whole one",
    edits: [edit("src/worker/openai/answer.ts", 'if (finishReason === "")', 'if (finishReason === "never")')],
    test: { file: openaiFailures, name: "an answer that is not whole" },
  },
  {
    name: "a tool runs though it was not approved",
    edits: [edit("src/worker/openai/tools.ts", "if (answer !== true)", "if (answer === undefined)")],
    test: { file: openai, name: "a tool runs only once it is approved" },
  },
  {
    name: "a tool runs with arguments that do not fit",
    edits: [edit("src/worker/openai/tools.ts", "return checked.fits\n", "return checked.fits || true\n")],
    test: { file: openai, name: "what is wrong with a call is told the model" },
  },
  {
    name: "answers that an earlier run has had are asked for again",
    edits: [edit("src/worker/models/kept-steps.ts", "#isKept = true;", "#isKept = false;")],
    test: { file: openai, name: "and asks for none that it has" },
  },
  {
    name: "a key of worker.toml that is not known is passed over",
    edits: [
      edit("src/cli/worker/worker-file.ts", "if (unknown !== undefined) throw new Error(unknown);", ""),
    ],
    test: { file: "test/cli/worker-file.test.ts", name: "what is wrong with a file is named" },
  },
];
