import { edit, type Mutant, type TestName } from "../mutant.js";

const rotation = (name: string): TestName => ({ file: "test/api/authority/rotation.test.ts", name });
const WAITING = "src/api/authority/waiting.ts";
const ROTATION = "src/api/authority/rotation.ts";
const OWN = "src/host/tls/own-authority.ts";
const PHASES = "src/domain/access/authority.ts";
const STREAMS = "src/api/enrolment/live-streams.ts";

const issuer = (name: string): TestName => ({ file: "test/host/issuer-files.test.ts", name });
const FILES = "src/host/tls/issuer-files.ts";

/** Ways in which a rotation of the authority could leave workers behind, or an authority in power that should have gone. */
export const authorityMutants: readonly Mutant[] = [
  {
    name: "authority: what the one of before has signed is recorded after the change",
    edits: [edit("src/api/enrolment/certified-rows.ts", "    ...(under ? [under] : []),\n", "")],
    test: rotation("a change between a signature and its commit"),
  },
  {
    name: "authority: a certificate counts as kept once it is signed",
    edits: [
      edit(
        WAITING,
        "return certificates.filter(({ notAfter, version = 0 }) => notAfter > now && version >= acknowledged);",
        "return certificates.slice(-1).filter(({ notAfter, version = 0 }) => notAfter > now && version >= acknowledged);",
      ),
    ],
    test: rotation("servers change only when every worker has kept the other authority"),
  },
  {
    name: "authority: what a worker has given up holds a rotation up",
    edits: [edit(WAITING, " && version >= acknowledged", "")],
    test: rotation("each phase trusts, signs and serves as it says"),
  },
  {
    name: "authority: the old one goes while workers show its certificates",
    edits: [
      edit(
        WAITING,
        "return held.some(({ root = row.origin }) => root === dropped);",
        "return dropped === '';",
      ),
    ],
    test: rotation("a worker that has kept both, but shows the old one still"),
  },
  {
    name: "authority: nobody waits for servers that do not follow",
    edits: [
      edit(WAITING, "if (!node || node.follows < revision)", "if (false)"),
      edit(WAITING, "return node.problem === ", "return !node || node.problem === "),
    ],
    test: rotation("each of several servers follows, is waited for"),
  },
  {
    name: "authority: phases follow in any order",
    edits: [edit(PHASES, "return to === nextPhase[from] || (to", "return to !== from || (to")],
    test: rotation("a phase is refused that does not follow"),
  },
  {
    name: "authority: streams go on with certificates of one that has gone",
    edits: [edit(STREAMS, "if (certificate && isDropped(certificate.root))", "if (false)")],
    test: rotation("by force the workers are left behind that are listed"),
  },
  {
    name: "authority: workers are not told that it has changed",
    edits: [edit(STREAMS, "        live.renew?.(within);\n", "")],
    test: rotation("by force the workers are left behind that are listed"),
  },
  {
    name: "authority: hellos are taken with certificates of one that has gone",
    edits: [
      edit(
        "src/api/enrolment/enrolment.ts",
        "if (this.#parts.rotation?.isDropped(certificate.root))",
        "if (this.#parts.rotation?.isDropped('none'))",
      ),
    ],
    test: rotation("each phase trusts, signs and serves as it says"),
  },
  {
    name: "authority: the next one is not trusted before it signs",
    edits: [edit(PHASES, "return next === undefined ? [root] : [root, next];", "return [root];")],
    test: rotation("each phase trusts, signs and serves as it says"),
  },
  {
    name: "authority: the key of one that has gone stays on the disk",
    edits: [
      edit(
        OWN,
        '    await writePrivate(at("ca.key"), key);\n    await writePrivate(at("ca.pem"), came);\n',
        "",
      ),
    ],
    test: rotation("each phase trusts, signs and serves as it says"),
  },
  {
    name: "authority: a start does not end what a crash has left between two files",
    edits: [
      edit(OWN, "  if (row) await settle(folder, row);\n  const cert", "  const cert"),
      edit(OWN, "    if (row) await settle(this.#folder, row);\n", ""),
    ],
    test: rotation("a start ends what a crash has left between two files"),
  },
  {
    name: "authority: a phase is not followed once it is written",
    edits: [edit(ROTATION, "await this.#follow(after)", "await Promise.resolve()")],
    test: rotation("each phase trusts, signs and serves as it says"),
  },
  {
    name: "authority: an issuing one of another root is taken over while the server runs",
    edits: [edit(FILES, 'if (this.#root !== "" && pinOf(root) !== this.pin)', "if (false)")],
    test: issuer("another issuing authority of the same root is used without a restart"),
  },
  {
    name: "authority: an issuing one need not be signed by the one after it",
    edits: [
      edit(
        FILES,
        "if (certificate.checkIssued(above) && certificate.verify(above.publicKey)) continue;",
        "continue;",
      ),
    ],
    test: issuer("an issuing authority under another root than the one that follows"),
  },
  {
    name: "authority: an issuing one may have any key",
    edits: [edit(FILES, "if (!issuer.checkPrivateKey(key))", "if (false)")],
    test: issuer("an issuing authority with the key of its sister"),
  },
  {
    name: "authority: a phase that could not be followed is forgotten",
    edits: [edit(ROTATION, "    this.isBehind = true;\n", "")],
    test: rotation("a phase that is written and cannot be followed"),
  },
  {
    name: "authority: a server starts with another one than the plane's",
    edits: [edit(OWN, "if (isOther && isShared) throw", "if (false) throw")],
    test: rotation("each of several servers follows, is waited for"),
  },
];
