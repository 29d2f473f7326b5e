import { edit, type Mutant, type TestName } from "../mutant.js";

const enrol = (name: string): TestName => ({ file: "test/api/access/enrolment.test.ts", name });
const certificates = (name: string): TestName => ({
  file: "test/gateway/connections/worker-certificates.test.ts",
  name,
});
const issuing = (name: string): TestName => ({ file: "test/host/issuing.test.ts", name });
const ENROLMENT = "src/api/enrolment/enrolment.ts";
const ROWS = "src/api/enrolment/certified-rows.ts";
const ADMIT = "src/api/enrolment/admit.ts";
const REVOKE = "src/api/enrolment/revoke.ts";
const CSR = "src/host/tls/csr.ts";
const SHOWN = "src/gateway/connections/client-certificate.ts";

/** Ways in which somebody could become a worker, or pass for one, who must not. */
export const enrolmentMutants: readonly Mutant[] = [
  {
    name: "enrolment: a refusal is counted as a certificate",
    edits: [
      edit(
        "src/api/enrolment/counts.ts",
        'telemetry?.count("taskrun_certificates_refused_total", { way, reason: known });',
        'telemetry?.count("taskrun_certificates_issued_total", { way });',
      ),
    ],
    test: enrol("certificates are counted by the way to them"),
  },
  {
    name: "enrolment: a request need not be signed by its key",
    edits: [edit(CSR, "if (!isSigned) throw", "if (false) throw")],
    test: issuing("a request is refused that is no single DER element"),
  },
  {
    name: "enrolment: bytes behind a request are ignored",
    edits: [edit(CSR, "if (der.length !== lengthOf(der)) throw", "if (der.length < lengthOf(der)) throw")],
    test: issuing("a request is refused that is no single DER element"),
  },
  {
    name: "enrolment: any key is certified",
    edits: [edit(CSR, "  checkType(key);\n", "")],
    test: issuing("a key of RSA is not certified"),
  },
  {
    name: "enrolment: a token is used any number of times",
    edits: [edit(ENROLMENT, "if (token.used) return this.#again(token, csr);", "")],
    test: enrol("with another key it is used"),
  },
  {
    name: "enrolment: a token is used up apart from its certificate",
    edits: [edit(ENROLMENT, "        { ...token, revision: token.revision + 1, used },\n", "")],
    test: enrol("of a hundred that race for a token"),
  },
  {
    name: "enrolment: the same token and key have the same answer for ever",
    edits: [edit(ENROLMENT, " && this.now - used.at <= limits.enrolAgain", "")],
    test: enrol("with another key it is used"),
  },
  {
    name: "enrolment: a token does not expire",
    edits: [
      edit(ENROLMENT, 'if (!row.used && this.now >= row.endsAt) throw tokenEnded("has expired");', ""),
      edit(ENROLMENT, 'if (at >= token.endsAt) throw tokenEnded("has expired");', ""),
    ],
    test: enrol("one that has expired is not used"),
  },
  {
    name: "enrolment: the secret of a token is not compared",
    edits: [
      edit(ENROLMENT, "if (!row || !isRight) throw tokenInvalid();", "if (!row) throw tokenInvalid();"),
    ],
    test: enrol("an unknown token and a wrong secret"),
  },
  {
    name: "enrolment: attempts are not limited for an address",
    edits: [
      edit(
        ENROLMENT,
        "const attempts = [this.#attempts.ofAddress(address, this.now)];",
        "const attempts = [this.#attempts.ofAddress(address + Math.random(), this.now)];",
      ),
    ],
    test: enrol("attempts that fail are limited"),
  },
  {
    name: "enrolment: a key may be certified for a second worker",
    edits: [edit(ROWS, "if (key && (key.isRevoked || key.worker !== id)) throw keyTaken();", "")],
    test: enrol("a key of another worker is not certified"),
  },
  {
    name: "enrolment: every certificate counts that was signed once",
    edits: [
      edit(
        ENROLMENT,
        'if (!row || !certificate) throw certificateEnded("was revoked");',
        'if (!row) throw certificateEnded("was revoked");',
      ),
    ],
    test: enrol("a worker that is revoked is refused here at once"),
  },
  {
    name: "enrolment: a worker that is revoked keeps its unused tokens",
    edits: [edit(REVOKE, "!token.used && token.endsAt > now", "false")],
    test: enrol("a worker that is revoked is refused here at once"),
  },
  {
    name: "enrolment: what is foreign is revoked",
    edits: [edit(REVOKE, "if (!isKnown) throw enrolledNotFound(worker);", "")],
    test: enrol("a caller sees and revokes workers of its namespaces alone"),
  },
  {
    name: "enrolment: a hello may name another worker",
    edits: [edit(ADMIT, "  await checkId(record, claims, enrolment);\n", "")],
    test: certificates("a hello under another's id, or with more than the record, is refused (grpcPort)"),
  },
  {
    name: "enrolment: a drawn id may be another worker's",
    edits: [edit(ADMIT, 'if (await enrolment.store.get("worker", id)) throw foreignId(worker.name);', "")],
    test: enrol("a hello is compared with the record"),
  },
  {
    name: "enrolment: a hello may claim labels",
    edits: [edit(ADMIT, "if (label !== undefined) throw", "if (false) throw")],
    test: enrol("a hello is compared with the record"),
  },
  {
    name: "enrolment: a certificate that OpenSSL has refused is accepted",
    edits: [edit(SHOWN, 'if (!socket.authorized) return "refused";', "")],
    test: certificates(
      "a certificate that is shown and is no enrolled worker's is refused in the handshake (grpcPort)",
    ),
  },
  {
    name: "enrolment: a certificate may have further names",
    edits: [edit(SHOWN, '/^URI:([^,\\s"]+)$/', '/^URI:([^,\\s"]+)/')],
    test: certificates(
      "a certificate that is shown and is no enrolled worker's is refused in the handshake (grpcPort)",
    ),
  },
  {
    name: "enrolment: a worker's certificate opens what clients ask for",
    edits: [
      edit(
        "src/gateway/access/authenticate.ts",
        'if (ofWorker && workers && needs === "workers:connect") return',
        "if (ofWorker && workers) return",
      ),
    ],
    test: certificates("a worker's certificate is of no use for clients' requests (grpcPort)"),
  },
  {
    name: "enrolment: an open stream outlives a revocation",
    edits: [
      edit("src/gateway/worker-stream.ts", "      unwatch = watchCertificate(call, introduced, sink);\n", ""),
    ],
    test: certificates("a worker that is revoked loses its stream"),
  },
  {
    name: "enrolment: a handshake is let in after a revocation",
    edits: [
      edit(SHOWN, 'return !isWorker || admits(credential) ? credential : "refused";', "return credential;"),
    ],
    test: certificates("a worker that is revoked loses its stream"),
  },
];
