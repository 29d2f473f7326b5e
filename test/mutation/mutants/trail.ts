import { edit, type Mutant, type TestName } from "../mutant.js";

const table = (name: string): TestName => ({ file: "test/gateway/access/audit-table.test.ts", name });
const changes = (name: string): TestName => ({ file: "test/host/audit/changes.test.ts", name });
const syslog = (name: string): TestName => ({ file: "test/host/audit/syslog.test.ts", name });
const tamper = (name: string): TestName => ({ file: "test/cli/audit-tamper.test.ts", name });
const USE_CASE = "src/api/use-case.ts";
const CHANGES = "src/host/audit/changes.ts";
const SYSLOG = "src/host/audit/syslog.ts";
const TLS = "src/gateway/connections/tls.ts";
const VERIFY = "src/domain/audit/verify.ts";

/** Ways in which the audit log could leave something out, or its checkpoints could. */
export const trailMutants: readonly Mutant[] = [
  {
    name: "audit: a signal of somebody else leaves no entry",
    edits: [
      edit(
        "src/runtime/turn/audit.ts",
        'case "cancel":\n    case "signal": {',
        'case "signal":\n      return [];\n    case "cancel": {',
      ),
    ],
    test: table("SignalTask"),
  },
  {
    name: "audit: a token that is not the issuer's is not noted",
    edits: [edit("src/api/access/token-callers.ts", "      this.#noteRefusal(principal, error);\n", "")],
    test: table("a token of somebody else"),
  },
  {
    name: "audit: two credentials at once are refused, and nobody is told",
    edits: [
      edit(
        "src/gateway/access/authenticate.ts",
        'audit?.refused({ actor: "anonymous", action: "key.use", object: "none", detail: fault.reason ?? "" });',
        "",
      ),
    ],
    test: table("two that differ"),
  },
  {
    name: "audit: a certificate that was revoked is tried unseen",
    edits: [
      edit(
        TLS,
        'if (shown === "refused") this.#parts.notes?.(socket);',
        "if (!socket.authorized) this.#parts.notes?.(socket);",
      ),
    ],
    test: table("and one that was revoked"),
  },
  {
    name: "audit: a certificate of another authority is believed what it says of itself",
    edits: [
      edit(
        "src/gateway/connections/refused-certificate.ts",
        "if (!socket.authorized) {",
        "if (socket.destroyed) {",
      ),
    ],
    test: table("somebody else's authority"),
  },
  {
    name: "audit: what a use case denies is not noted",
    edits: [edit(USE_CASE, "if (isDenied) noteRefusal(", "if (!isDenied) noteRefusal(")],
    test: table("a renewal without a certificate"),
  },
  {
    name: "audit: ids of other namespaces are tried unseen",
    edits: [edit(USE_CASE, "    noteHidden(definition.action, asked, error, request);\n", "")],
    test: table("another namespace's"),
  },
  {
    name: "audit: a server starts with another policy, and nobody is told",
    edits: [edit(CHANGES, "if ((known ?? before) !== now.detail)", "if (known === now.detail)")],
    test: changes("a start with other settings"),
  },
  {
    name: "audit: a policy is looked for among the newest entries alone",
    edits: [edit(CHANGES, "if (pages === PAGES) return", "if (pages === 1) return")],
    test: changes("behind thousands"),
  },
  {
    name: "audit: roles are no part of the policy",
    edits: [
      edit(
        "src/config/policy-words.ts",
        "    [...roles].map(([name, scopes]) => [name, [...scopes].sort()]).sort(),\n",
        "",
      ),
    ],
    test: changes("each setting that lets"),
  },
  {
    name: "audit: syslog keeps the oldest of too many",
    edits: [edit(SYSLOG, "this.#waiting.splice(oldest, 1);", "this.#waiting.pop();")],
    test: syslog("ever later"),
  },
  {
    name: "audit: the last message before a break is lost",
    edits: [edit(SYSLOG, "if (this.#last && !this.#last.isRepeat", "if (!this.#last && this.#isOpen")],
    test: syslog("sent again, once"),
  },
  {
    name: "audit: a collector that hangs up at once is sent the same for ever",
    edits: [edit(SYSLOG, "{ ...this.#last, isRepeat: true }", "{ ...this.#last }")],
    test: syslog("sent again, once"),
  },
  {
    name: "audit: a server waits for ever for a collector",
    edits: [edit(SYSLOG, "timer = setTimeout(resolve, most);", "timer = setTimeout(resolve, most * 5);")],
    test: syslog("takes nothing holds up"),
  },
  {
    name: "audit: a checkpoint for syslog is as long as there are chains",
    edits: [
      edit("src/host/audit/audit-log.ts", "from += limits.auditSyslogChains)", "from += others.length + 1)"),
    ],
    test: syslog("in parts that every collector takes"),
  },
  {
    name: "audit: the length before a message is of characters",
    edits: [edit("src/host/audit/syslog-message.ts", "Buffer.byteLength(message)", "message.length")],
    test: syslog("one of RFC 5424"),
  },
  {
    name: "audit: a whole chain may vanish",
    edits: [
      edit(
        VERIFY,
        "for (const [chain, marks] of this.#marks) this.#checkEnds",
        "for (const [chain, marks] of this.#marks) if (this.#chains.has(chain)) this.#checkEnds",
      ),
    ],
    test: tamper("the file of any one node tells"),
  },
  {
    name: "audit: a checkpoint of another node counts for nothing",
    edits: [
      edit(
        VERIFY,
        "for (const mark of [{ chain, seq, hash }, ...others]) this.#mark(mark, at);",
        "this.#mark({ chain, seq, hash }, at && others.length);",
      ),
    ],
    test: tamper("the file of any one node tells"),
  },
  {
    name: "audit: what a collector has written is not read",
    edits: [
      edit(
        "src/cli/audit/verify.ts",
        "readCheckpoint(line) ?? readCheckpoint(fromSyslog(line))",
        "readCheckpoint(line)",
      ),
    ],
    test: tamper("as a collector of syslog has written them"),
  },
];
