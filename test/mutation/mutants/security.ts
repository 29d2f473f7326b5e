import { edit, type Mutant, type TestName } from "../mutant.js";

const tls = (name: string): TestName => ({ file: "test/gateway/connections/tls.test.ts", name });
const host = (name: string): TestName => ({ file: "test/host/tls.test.ts", name });
const trust = (name: string): TestName => ({ file: "test/transport/trust.test.ts", name });
const access = (name: string): TestName => ({ file: "test/gateway/access/policy.test.ts", name });
const matrix = (name: string): TestName => ({ file: "test/gateway/access/matrix.test.ts", name });
const ring = (name: string): TestName => ({ file: "test/api/access/key-ring.test.ts", name });
const AUTHENTICATE = "src/gateway/access/authenticate.ts";
const RING = "src/api/access/key-ring.ts";
const TLS = "src/gateway/connections/tls.ts";

/** Ways in which somebody could be let in, or believed, who must not be. */
export const securityMutants: readonly Mutant[] = [
  {
    name: "security: TLS 1.2 is spoken",
    edits: [edit(TLS, `minVersion: "TLSv1.3"`, `minVersion: "TLSv1.2"`)],
    test: tls("TLS 1.3 with HTTP/2, and nothing older (grpcPort)"),
  },
  {
    name: "security: sessions are resumed",
    edits: [
      edit(
        TLS,
        "secureOptions: constants.SSL_OP_NO_TICKET",
        "secureOptions: constants.SSL_OP_NO_RENEGOTIATION",
      ),
    ],
    test: tls("no session is resumed (grpcPort)"),
  },
  {
    name: "security: a handshake may take as long as it likes",
    edits: [edit(TLS, "handshakeTimeout: limits.handshake", "handshakeTimeout: 600_000")],
    test: tls("who does not shake hands"),
  },
  {
    name: "security: closing waits for handshakes",
    edits: [edit(TLS, "for (const { socket } of this.#pending.values()) socket.destroy();", "")],
    test: tls("closing ends connections whose handshake is not done"),
  },
  {
    name: "security: a certificate that is replaced is not shown",
    edits: [edit(TLS, "      this.#server.setSecureContext(contextOf(identity));\n", "")],
    test: tls("a certificate that is replaced"),
  },
  {
    name: "security: keys that others can read are used",
    edits: [edit("src/files/private.ts", "if ((mode & OTHERS) !== 0)", "if ((mode & OTHERS) > 0o777)")],
    test: host("keys are for this user alone"),
  },
  {
    name: "security: a key that belongs to another certificate is kept",
    edits: [
      edit(
        "src/host/tls/open.ts",
        "return cert.checkPrivateKey(createPrivateKey(key));",
        "return createPrivateKey(key) !== undefined;",
      ),
    ],
    test: host("a start after a crash between two files"),
  },
  {
    name: "security: the server's certificate is not renewed",
    edits: [edit("src/host/tls/open.ts", "left > limits.serverCertificateLife / 3", "left > 0")],
    test: host("a third of the time left"),
  },
  {
    name: "security: files that do not fit together are used",
    edits: [edit("src/host/tls/certificate.ts", "    createSecureContext(identity);\n", "")],
    test: host("what cannot be used is not"),
  },
  {
    name: "security: any certificate is taken for the pinned one",
    edits: [
      edit(
        "src/transport/trust.ts",
        "certificates.find((certificate) => digestOf(certificate) === pin)",
        "certificates.at(-1)",
      ),
    ],
    test: trust("who trusts another pin"),
  },
  {
    name: "security: any certificate of the authority is a server's",
    edits: [
      edit("src/transport/trust.ts", "return names.includes(", "return names.length >= 0 || names.includes("),
    ],
    test: trust("no server's is not taken for one"),
  },
  {
    name: "security: a pin does not mean TLS",
    edits: [
      edit("src/transport/server.ts", "readAddresses(addr, trust !== undefined ||", "readAddresses(addr,"),
    ],
    test: trust("under any name"),
  },
  {
    name: "security: what is not in the table is open to everybody",
    edits: [
      edit(
        AUTHENTICATE,
        "if (needs === undefined || !may(caller, needs, roles)) return notAllowed(asked, needs);",
        "if (needs !== undefined && !may(caller, needs, roles)) return notAllowed(asked, needs);",
      ),
    ],
    test: access("an rpc that is not in the table"),
  },
  {
    name: "security: any credential has every scope",
    edits: [
      edit(
        AUTHENTICATE,
        'needs === "a credential" || roles.allows(caller.roles, needs)',
        'needs !== "metrics:read"',
      ),
    ],
    test: matrix("lets everybody in who has it"),
  },
  {
    name: "security: pages are open to everybody",
    edits: [edit("src/gateway/http/serve.ts", "if (refused) return sendProblem(response, refused);", "")],
    test: matrix("refuses every credential that is none, wrong or ended, or has too small a scope"),
  },
  {
    name: "security: the secret of a key is not compared",
    edits: [edit(RING, "if (!row || !isRight) throw", "if (!row) throw")],
    test: ring("in the same words"),
  },
  {
    name: "security: a key that has expired is let in",
    edits: [edit("src/api/access/key-refusals.ts", "if (now < endOfKey(row)) return", "if (now > 0) return")],
    test: ring("one that has ended says so"),
  },
  {
    name: "security: a key that is revoked is let in",
    edits: [edit("src/domain/access/key.ts", "revokedAt > 0 && revokedAt < expiresAt", "revokedAt < 0")],
    test: ring("refused at once"),
  },
  {
    name: "security: a key makes one that may do more",
    edits: [
      edit(
        RING,
        "if (!this.#roles.covers(caller.roles, role)) throw",
        "if (caller.roles.length === 0) throw",
      ),
    ],
    test: ring("cannot make one that may do more"),
  },
  {
    name: "security: a key makes one for namespaces that are not its own",
    edits: [
      edit(RING, "if (!isWithin(caller, namespaces)) throw", "if (caller.namespaces.length === 0) throw"),
    ],
    test: ring("cannot make one that may do more"),
  },
  {
    name: "security: keys of other namespaces are revoked",
    edits: [edit(RING, "if (row && isWithin(caller, row.namespaces)) return row;", "if (row) return row;")],
    test: ring("keys of other namespaces"),
  },
  {
    name: "security: the store has the secret itself",
    edits: [
      edit("src/api/access/key-text.ts", 'createHash("sha256").update(secret).digest("hex")', "secret"),
    ],
    test: ring("of which the store has a hash"),
  },
  {
    name: "security: TLS without keys is enough beyond the loopback",
    edits: [
      edit("src/config/listeners.ts", "if (isTls && isAuthenticated) return [];", "if (isTls) return [];"),
    ],
    test: { file: "test/cli/settings.test.ts" },
  },
];
