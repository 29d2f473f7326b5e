import { edit, type Mutant, type TestName } from "../mutant.js";

const suite = (name: string): TestName => ({ file: "test/stores/memory.test.ts", name: `memory ${name}` });
/** Without threads: those run what was built. */
const sqlite = (name: string): TestName => ({
  file: "test/stores/sqlite/sqlite.test.ts",
  name: `sqlite that remembers, on this thread ${name}`,
});
const log = (name: string): TestName => ({ file: "test/host/audit/audit-log.test.ts", name });
const verify = (name: string): TestName => ({ file: "test/cli/audit-verify.test.ts", name });
const turns = (name: string): TestName => ({ file: "test/runtime/audit.test.ts", name });
const keys = (name: string): TestName => ({ file: "test/api/access/key-audit.test.ts", name });
const RING = "src/api/access/key-ring.ts";
const VERIFY = "src/domain/audit/verify.ts";
const TURN = "src/runtime/turn/audit.ts";
const impostor = (name: string): TestName => ({ file: "test/gateway/access/impostors.test.ts", name });
const owner = (name: string): TestName => ({ file: "test/runtime/workers/owner.test.ts", name });
const replay = (name: string): TestName => ({ file: "test/worker/replay.test.ts", name });
const CHECK = "src/worker/protocol/assignment-check.ts";
const HELLO = "actors/run-tracker/hello.ts";
const LOG = "src/host/audit/audit-log.ts";

/** Ways in which somebody could have done something, or undone its traces, unseen. */
export const auditMutants: readonly Mutant[] = [
  {
    name: "audit: a hash does not cover the entry before",
    edits: [
      edit(
        "src/stores/shared/audit-chain.ts",
        "hash = sha256(hashedText(chain, seq, prev, text));",
        'hash = sha256(hashedText(chain, seq, "", text));',
      ),
    ],
    test: verify("a whole log is whole"),
  },
  {
    name: "audit: an entry that was changed is believed",
    edits: [edit(VERIFY, "if (said !== hash)", 'if (said === "")')],
    test: verify("each edit, deletion, insertion"),
  },
  {
    name: "audit: numbers may have a gap",
    edits: [edit(VERIFY, "if (known && seq > known.last + 1) {", "if (known && seq > known.last + 9) {")],
    test: verify("each edit, deletion, insertion"),
  },
  {
    name: "audit: an end that was cut off is not missed",
    edits: [edit(VERIFY, "if (seq > last) {", "if (seq > last + 9) {")],
    test: verify("each edit, deletion, insertion"),
  },
  {
    name: "audit: a beginning that is gone is not missed",
    edits: [
      edit(VERIFY, "if (!known || known.first === 1) return;", "if (!known || known.first > 0) return;"),
    ],
    test: log("removed without a signed word"),
  },
  {
    name: "audit: whoever can write the file of checkpoints can make one",
    edits: [
      edit(
        "src/host/audit/signature.ts",
        "return verify(null, Buffer.from(signedText(said)), key, signature) ? said : undefined;",
        "return signature.length === 64 ? said : undefined;",
      ),
    ],
    test: verify("of which anything was changed"),
  },
  {
    name: "audit: a line of an export may say more than its entry",
    edits: [
      edit(
        "src/cli/audit/read-entry.ts",
        "isWhole && escapeJsonControls(entryLine(entry)) === line ? entry : undefined",
        "isWhole ? entry : undefined",
      ),
    ],
    test: verify("or more than its entry"),
  },
  {
    name: "audit: a commit that is refused leaves its entry",
    edits: [
      edit(
        "src/stores/memory/store.ts",
        "    if (turn.audit) this.audit.add(turn.audit);\n    this.#at",
        "    this.#at",
      ),
      edit(
        "src/stores/memory/store.ts",
        "    check(this.#tables, turn);\n",
        "    if (turn.audit) this.audit.add(turn.audit);\n    check(this.#tables, turn);\n",
      ),
    ],
    test: suite("a commit writes its entries or nothing"),
  },
  {
    name: "audit: creators are told of as if they were others",
    edits: [
      edit(
        TURN,
        "if (!task || task.spec.principal === caller.principal) return [];",
        "if (!task) return [];",
      ),
    ],
    test: turns("leaves no entry"),
  },
  {
    name: "audit: what a foreign caller tried is not noted",
    edits: [
      edit(
        TURN,
        "if (!task || mayUse(caller, task.namespace)) return undefined;",
        "if (task || !caller) return undefined;",
      ),
    ],
    test: turns("answered as unknown, and noted"),
  },
  {
    name: "audit: each refusal is an entry of its own",
    edits: [
      edit(
        "src/host/audit/refusal-book.ts",
        'return JSON.stringify([actor, action, action === "call" ? object : ""]);',
        "return JSON.stringify([actor, action, object]);",
      ),
    ],
    test: log("are one entry"),
  },
  {
    name: "audit: a checkpoint forgets the other chains",
    edits: [
      edit(
        LOG,
        "const others = heads.filter((head) => head !== own).map(markOf);",
        "const others: never[] = [];",
      ),
    ],
    test: log("names the ends of all chains"),
  },
  {
    name: "audit: what is old goes without a word",
    edits: [edit(LOG, "if (checkpoints) await tell(said, checkpoints);", "await clock.yield();")],
    test: log("what is too old or too much is removed"),
  },
  {
    name: "audit: a key is made without an entry",
    edits: [edit("src/stores/memory/credentials.ts", "    if (audit) this.#appendAudit(audit);\n", "")],
    test: suite("keys and the entry about them"),
  },
  {
    name: "audit: a key is made in the file without an entry",
    edits: [
      edit(
        "src/stores/sqlite/writer.ts",
        "      this.#keys.put(rows);\n      if (audit) this.#changes.appendAudit(audit);\n",
        "      this.#keys.put(rows);\n",
      ),
    ],
    test: sqlite("keys and the entry about them"),
  },
  {
    name: "audit: a worker is made without an entry",
    edits: [edit("src/api/enrolment/enrolment.ts", "this.store.put(rows, append)", "this.store.put(rows)")],
    test: { file: "test/api/access/enrolment.test.ts", name: "in the commit that does it" },
  },
  {
    name: "audit: a rotation is not told of as one",
    edits: [
      edit(RING, '{ action: "key.rotate", caller, replaces: old }', '{ action: "key.create", caller }'),
    ],
    test: keys("what happens to a key"),
  },
  {
    name: "audit: a key that is refused is not noted",
    edits: [edit(RING, "throw this.#refused(ended, row);", "throw ended;")],
    test: keys("what happens to a key"),
  },
  {
    name: "audit: a token that is refused is not noted",
    edits: [
      edit(
        "src/api/access/watch-tokens.ts",
        'if (error instanceof Fault && error.code === "unauthenticated") this.#noteRefusal(error, id);',
        "",
      ),
    ],
    test: keys("a token for one Task that is refused"),
  },
  {
    name: "impostor: whoever says hello last has the id",
    edits: [edit(HELLO, "if (owner && owner.principal !== principal)", 'if (owner && principal === "")')],
    test: owner("an id is kept for its principal"),
  },
  {
    name: "impostor: a Run of another's may be shown",
    edits: [edit(HELLO, "return foreign && runNotYours(foreign.runId);", "return foreign && undefined;")],
    test: impostor("shown as if it were in hand"),
  },
  {
    name: "impostor: a report on a Run of another's costs nothing",
    edits: [
      edit(
        "src/runtime/watch/worker-connection.ts",
        'fault.code === "denied" && !this.#closed',
        "this.#closed",
      ),
    ],
    test: impostor("a report (status)"),
  },
  {
    name: "impostor: other nodes are not asked whose an id is",
    edits: [
      edit(
        "src/runtime/watch/worker-connection.ts",
        "if (rows.every(({ session }) => session.principal === principal)) return;",
        "if (rows.length >= 0) return;",
      ),
    ],
    test: owner("on another node"),
  },
  {
    name: "impostor: operators drain workers of other keys",
    edits: [
      edit(
        "src/domain/caller.ts",
        'return namespaces === "*" && roles.includes("admin");',
        'return namespaces === "*";',
      ),
    ],
    test: impostor("an admin drains any worker"),
  },
  {
    name: "impostor: a key in the place of another is somebody else",
    edits: [
      edit("src/api/access/key-ring.ts", "...(replaces && { first: replaces.first ?? replaces.id }),", ""),
    ],
    test: impostor("an admin drains any worker"),
  },
  {
    name: "replay: an assignment of another session is executed",
    edits: [edit(CHECK, "if (session !== facts.session)", 'if (session === "none")')],
    test: replay("what was recorded on one stream"),
  },
  {
    name: "replay: an assignment of another start is executed",
    edits: [edit(CHECK, "if (incarnation !== facts.incarnation)", 'if (incarnation === "none")')],
    test: replay("an assignment of another start of the server"),
  },
  {
    name: "replay: one that comes out of order is executed",
    edits: [
      edit(
        CHECK,
        "if (ordinal <= facts.lastOrdinal && ordinal > 0n)",
        "if (ordinal <= facts.lastOrdinal && ordinal > 99n)",
      ),
    ],
    test: replay("comes again after later ones"),
  },
  {
    name: "replay: one that has expired is executed",
    edits: [edit(CHECK, "if (late > 0)", "if (late > 1e12)")],
    test: replay("an assignment of a time that is over"),
  },
  {
    name: "replay: the machine's own clock decides what has expired",
    edits: [
      edit(
        "src/worker/protocol/session.ts",
        "const serverMs = this.#serverOffsetMs + this.#options.time.monotonic();",
        "const serverMs = this.#options.time.wall();",
      ),
    ],
    test: replay("the server's time counts"),
  },
  {
    name: "replay: assignments are bound to nothing",
    edits: [
      edit(
        "src/runtime/turn/send-assignment.ts",
        "session && protocol >= 1 ? {",
        "session && protocol > 9 ? {",
      ),
    ],
    test: { file: "test/runtime/workers/bound.test.ts", name: "names the session and incarnation" },
  },
];
