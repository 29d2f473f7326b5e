import { edit, type Mutant, type TestName } from "../mutant.js";

const failures = (name: string): TestName => ({ file: "test/stores/postgres/failures.test.ts", name });
const many = (name: string): TestName => ({ file: "test/stores/postgres/shared.test.ts", name });
const servers = (name: string): TestName => ({ file: "test/stores/postgres/nodes.test.ts", name });
const away = (name: string): TestName => ({ file: "test/runtime/away-store.test.ts", name });

const commits = "src/stores/postgres/migrations/0004-commit.ts";
const nodes = "src/stores/postgres/migrations/0003-nodes.ts";
const poll = "src/stores/postgres/nodes/poll.ts";

/** Of the store on PostgreSQL, and of what a store that can be away, or is shared, asks of the plane. */
export const postgresMutants: readonly Mutant[] = [
  {
    name: "a commit whose answer was lost is written again",
    edits: [edit(commits, "  IF FOUND THEN RETURN answer; END IF;\n", "")],
    test: failures("a commit whose answer was lost"),
  },
  {
    name: "a server that was cut off writes on",
    edits: [edit(commits, "PERFORM FROM plane WHERE incarnation = owner;", "PERFORM FROM plane;")],
    test: failures("the database itself refuses"),
  },
  {
    name: "commits that the database has lost are not missed",
    edits: [edit("src/stores/postgres/connect/session.ts", "if (found.length > 0) return;", "return;")],
    test: failures("a database that has lost acknowledged commits"),
  },
  {
    name: "a server that takes no writes is used",
    edits: [edit("src/stores/postgres/connect/open.ts", "if (isReadOnly === true)", "if (isReadOnly === 1)")],
    test: failures("of several hosts"),
  },
  {
    name: "a commit does not say what it rests on",
    edits: [
      edit(
        "src/runtime/memory/rows-seen.ts",
        "!changes.writes(ref.kind, ref.id)) read.set",
        "ref.id === ref.kind) read.set",
      ),
    ],
    test: away("a commit to a shared store"),
  },
  {
    name: "a store that is away ends the plane",
    edits: [edit("src/runtime/turn/refused-turns.ts", '  "unavailable",\n', "")],
    test: away("a commit that finds the store away"),
  },
  {
    name: "a node that is gone writes on",
    edits: [edit(commits, "WHERE id = writer AND gone_at IS NULL;", "WHERE id = writer;")],
    test: many("a commit is refused if its node has left"),
  },
  {
    name: "what a commit only read may move",
    edits: [
      edit(
        "src/stores/postgres/rows/commit-call.ts",
        "for (const ref of turn.read ?? []) expected.push(ref);",
        "",
      ),
    ],
    test: many("a commit is refused for a row that the other process has moved"),
  },
  {
    name: "a lane is removed although a Step waits in it",
    edits: [edit(commits, "\n      AND NOT EXISTS (SELECT FROM steps AS s WHERE s.lane = t.key)", "")],
    test: many("a lane in which the other process has put a Step"),
  },
  {
    name: "a lane that was removed meanwhile is not added again",
    edits: [
      edit(
        "src/stores/postgres/rows/commit-call.ts",
        "owner === null ? neededLanes(turn)",
        "owner === 0 ? neededLanes(turn)",
      ),
    ],
    test: many("a Step is put in a lane that the other process has removed"),
  },
  {
    name: "waiting Tasks are not counted down",
    edits: [edit(commits, "IF some_wait OR waited > 0 THEN", "IF some_wait THEN")],
    test: many("a poll has what all processes together have"),
  },
  {
    name: "a written Step stays claimed",
    edits: [edit(commits, ",\n      claimed_by = NULL, claimed_until = NULL\n", "\n")],
    test: many("a Step that is written is no longer claimed"),
  },
  {
    name: "a deadline that is set anew stays claimed",
    edits: [edit(commits, "at = excluded.at, claimed_by = NULL, claimed_until = NULL;", "at = excluded.at;")],
    test: many("a deadline is given to one process"),
  },
  {
    name: "a live node is taken over",
    edits: [
      edit(
        nodes,
        "  IF found_node.gone_at IS NULL AND found_node.lease_until > now_ms() THEN RETURN false; END IF;\n",
        "",
      ),
    ],
    test: many("a live node is not taken over"),
  },
  {
    name: "two nodes take the same one over",
    edits: [
      edit(
        nodes,
        "WHERE id = found_node.taken_by AND gone_at IS NULL AND lease_until > now_ms()) THEN",
        "WHERE false) THEN",
      ),
    ],
    test: many("a live node is not taken over"),
  },
  {
    name: "a node that is gone joins again",
    edits: [
      edit(nodes, "lease_until = now_ms() + lease WHERE n.gone_at IS NULL", "lease_until = now_ms() + lease"),
    ],
    test: many("a lease that has ended is renewed"),
  },
  {
    name: "a poll does not know that the one who took over is dead, too",
    edits: [edit(poll, "t.gone_at IS NULL AND t.lease_until > now_ms()", "t.gone_at IS NULL")],
    test: many("a poll names the dead nodes"),
  },
  {
    name: "a poll names Runs that are not over",
    edits: [edit(poll, "held AND node = $1 AND ended IS NOT NULL", "held AND node = $1")],
    test: many("a poll names the held Runs"),
  },
  {
    name: "a server that was alone writes beside nodes",
    edits: [edit(nodes, "    UPDATE plane SET incarnation = incarnation + 1;\n", "")],
    test: servers("a server that was alone and cut off"),
  },
  {
    name: "a server for itself alone starts beside nodes",
    edits: [
      edit("src/stores/postgres/connect/session.ts", "if (live !== null) throw", "if (live === 1) throw"),
    ],
    test: servers("a server that shares with nobody is refused"),
  },
  {
    name: "nodes write beside a server that has the store for itself",
    edits: [edit(nodes, "  UPDATE nodes SET gone_at = now_ms() WHERE gone_at IS NULL;\n", "")],
    test: servers("nodes that were left behind"),
  },
];
