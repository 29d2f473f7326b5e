import { edit, type Mutant, type TestName } from "../mutant.js";

const matrix = (name: string): TestName => ({ file: "test/gateway/access/matrix.test.ts", name });
const policy = (name: string): TestName => ({ file: "test/gateway/access/policy.test.ts", name });
const tokens = (name: string): TestName => ({ file: "test/host/jwt.test.ts", name });
const claims = (name: string): TestName => ({ file: "test/api/access/token-callers.test.ts", name });
const AUTHENTICATE = "src/gateway/access/authenticate.ts";
const VERIFIER = "src/host/jwt/verifier.ts";
const REMOTE = "src/host/jwt/remote-keys.ts";
const CALLERS = "src/api/access/token-callers.ts";

/** Ways in which a credential could count that must not, or for more than it says. */
export const credentialMutants: readonly Mutant[] = [
  {
    name: "credential: what is found by a promise is not asked for its scope",
    edits: [
      edit(AUTHENTICATE, "return caller.then((found) => admitted(found, asked, needs));", "return caller;"),
    ],
    test: policy("what is found by a promise"),
  },
  {
    name: "credential: of two credentials the first counts",
    edits: [
      edit(AUTHENTICATE, "key !== undefined && bearer !== key;", "key !== undefined && bearer === key;"),
    ],
    test: matrix("refuses two credentials that differ"),
  },
  {
    name: "credential: a role that is gone asks for scopes as any other",
    edits: [
      edit(
        AUTHENTICATE,
        "if (!caller.roles.some((role) => roles.has(role))) return roleUnknown(caller);",
        "",
      ),
    ],
    test: matrix("refuses every credential that is none, wrong or ended, over every mount"),
  },
  {
    name: "credential: an expired token leaves its streams open",
    edits: [
      edit("src/gateway/access/expiry.ts", "if (left <= 0) open.end(expired());", "if (left <= 0) return;"),
    ],
    test: { file: "test/gateway/access/expiry.test.ts", name: "ends" },
  },
  {
    name: "credential: a token of any issuer counts",
    edits: [
      edit(VERIFIER, "        issuer,\n        audience: [...audience],", "        audience: [...audience],"),
    ],
    test: tokens("with another issuer is refused"),
  },
  {
    name: "credential: a token for another audience counts",
    edits: [edit(VERIFIER, "        audience: [...audience],\n", "")],
    test: tokens("with another audience is refused"),
  },
  {
    name: "credential: a token may be signed by any algorithm",
    edits: [edit(VERIFIER, "        algorithms: [...algorithms],\n", "")],
    test: tokens("with an algorithm that is not allowed is refused"),
  },
  {
    name: "credential: a token without an end counts",
    edits: [edit(VERIFIER, 'requiredClaims: ["exp"],', "")],
    test: tokens("with no end is refused"),
  },
  {
    name: "credential: a token may be as long as headers allow",
    edits: [edit(VERIFIER, "> limits.credentialBytes)", "> 100 * limits.credentialBytes)")],
    test: tokens("with more than 8 KiB is refused"),
  },
  {
    name: "credential: every unknown key asks the issuer",
    edits: [edit(REMOTE, "now - this.#triedAt < limits.keySetRefreshLeast", "now - this.#triedAt < 0")],
    test: tokens("no more than twice a minute"),
  },
  {
    name: "credential: the last keys count for ever while the issuer does not answer",
    edits: [
      edit(
        REMOTE,
        "if (this.#keys && this.#parts.now() - this.#fetchedAt < limits.keySetKept) return this.#keys;",
        "if (this.#keys) return this.#keys;",
      ),
    ],
    test: tokens("count for an hour"),
  },
  {
    name: "credential: keys are taken from where an issuer redirects to",
    edits: [edit(REMOTE, 'redirect: "error"', 'redirect: "follow"')],
    test: tokens("are not taken from"),
  },
  {
    name: "credential: a private key in a set is used",
    edits: [edit("src/host/jwt/key-set.ts", "if (secret)", "if (secret && found.length > 9)")],
    test: tokens("holds what must not be public"),
  },
  {
    name: "credential: keys of a file are kept for ever",
    edits: [edit("src/host/jwt/key-file.ts", "keys = readNamed(path, now);", "readNamed(path, now);")],
    test: tokens("a file of keys is read again"),
  },
  {
    name: "credential: values beside the table of roles count too",
    edits: [
      edit(
        CALLERS,
        "values.flatMap((value) => roles.get(value) ?? [])",
        "values.map((value) => roles.get(value) ?? value)",
      ),
    ],
    test: claims("claims have the names of the configuration"),
  },
  {
    name: "credential: a token without namespaces may use all",
    edits: [
      edit(
        CALLERS,
        'if (values?.includes("*")) return "*";',
        'if (!values || values.includes("*")) return "*";',
      ),
    ],
    test: claims("a token whose claim"),
  },
];
