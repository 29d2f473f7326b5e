import { edit, type Mutant } from "../mutant.js";

const file = "test/worker/claude-sessions.test.ts";
const claude = "src/worker/claude/claude.ts";

/** Of sessions of Claude Code that go on in the next Run: what is lost with a worker, done twice, or counted twice. */
export const modelSessionMutants: readonly Mutant[] = [
  {
    name: "the session of Claude Code is lost with its worker",
    edits: [edit(claude, "(id) => sessions.announce(id)", "() => {}")],
    test: { file, name: "a session is durable before the program has come to an end" },
  },
  {
    name: "a run that fails ends before its session is durable",
    edits: [edit(claude, "await sessions.close();", "")],
    test: { file, name: "and ends when that is durable" },
  },
  {
    name: "a session that another machine has fails the task",
    edits: [edit(claude, "if (!(error instanceof SessionUnknown)) throw error;", "throw error;")],
    test: { file, name: "on a machine that does not have the session it begins anew" },
  },
  {
    name: "a failure of a session that goes on is taken for one of a session that is not there",
    edits: [edit(claude, "if (!(error instanceof SessionUnknown)) throw error;", "")],
    test: { file, name: "a session that goes on and fails is not begun anew" },
  },
  {
    name: "a session that goes on is charged with what its earlier runs have cost",
    edits: [edit(claude, "new Transcript(ctx, sessionId !== undefined,", "new Transcript(ctx, false,")],
    test: { file, name: "what is used is counted once for each run" },
  },
  {
    name: "a task that continues a session may lose its prompt",
    edits: [edit(claude, "given.session_id === undefined ?", "given.session_id !== undefined ?")],
    test: { file, name: "a session of an earlier task goes on with its prompt" },
  },
  {
    name: "a session's id of a journal can be an option of Claude Code",
    edits: [edit("src/worker/claude/session-journal.ts", "if (sessionIdForm.test(earlier))", "if (earlier)")],
    test: { file, name: "a session that could be read as an option is not passed on" },
  },
  {
    name: "that a session goes on cannot be switched off",
    edits: [edit(claude, '!resume || sessionId === ""', 'sessionId === ""')],
    test: { file, name: "can be switched off" },
  },
];
