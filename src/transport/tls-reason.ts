/** Why a TLS connection failed, and what to do; undefined for a failure that is not of TLS. */
export function tlsReason(error: Error): string | undefined {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `its certificate is for other names (${message.replace(/^.*?altnames: /i, "")}): use one of them`;
  }
  const isPlain = /wrong version number|packet length too long|http request/i.test(message);
  return reasons[code] ?? (isPlain ? "it does not speak TLS: write http:// if it is meant" : undefined);
}

const unknown =
  "its certificate is of an authority that is not trusted: name the authority by its file (ca) or its pin (caPin); one that was right before may have been rotated, and `ca export` on the server's machine prints what is trusted now";

const reasons: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknown,
  SELF_SIGNED_CERT_IN_CHAIN: unknown,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknown,
  UNABLE_TO_GET_ISSUER_CERT: unknown,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknown,
  CERT_SIGNATURE_FAILURE: "its certificate was not signed by the authority that it names",
  CERT_HAS_EXPIRED: "its certificate has ended: the server needs a new one, or a clock is wrong",
  CERT_NOT_YET_VALID: "its certificate begins later: a clock is wrong",
};
