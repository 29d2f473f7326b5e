import { addrOfEnvironment } from "./address.js";
import { readAddresses } from "./addresses.js";
import { type CertificateOptions, CertificateProblem, readCertificate } from "./client-certificate.js";
import type { ClientCertificate } from "./connection.js";
import { readTrust, type Trust, type TrustOptions, TrustProblem } from "./trust.js";

/** The options of clients and workers that say which server is meant. */
export interface ServerOptions extends TrustOptions {
  readonly addr?: string | readonly string[] | undefined;
  readonly apiKey?: string | undefined;
  /** What a client shows, which may be nothing; left out by workers, which have certificates of their own. */
  readonly certificate?: CertificateOptions;
}

/** A server, or the option that is wrong and the whole message for it. */
export type ServerReading =
  | {
      /** Of several nodes all that were named. */
      readonly urls: readonly string[];
      readonly trust: Trust | undefined;
      readonly apiKey: string | undefined;
      /** What is shown to the server, as it is when it is asked for. */
      readonly certificate: (() => ClientCertificate) | undefined;
      readonly problem?: undefined;
    }
  | { readonly field: string; readonly problem: string };

/**
 * Reads the options; those that are left out are the variables `TASKRUN_ADDR`, `TASKRUN_CA`, `TASKRUN_CA_PIN`, `TASKRUN_API_KEY`,
 * `TASKRUN_CERT` and `TASKRUN_CERT_KEY`. Where an authority or a certificate is named TLS is meant, except that the environment's are ignored for an
 * address with `http://`. Beside a certificate that is given, the key of the environment is passed over, since it would count.
 */
export function readServer({
  addr = addrOfEnvironment(),
  ca,
  caPin,
  apiKey: given,
  certificate: options,
}: ServerOptions): ServerReading {
  const isGiven = ca !== undefined || caPin !== undefined;
  const isPlain = [addr].flat().some((each) => typeof each === "string" && /(^|,)\s*http:/i.test(each));
  try {
    const trust = readTrust(isGiven ? { ca, caPin } : isPlain ? {} : environment());
    const isShown = options?.cert !== undefined || options?.certKey !== undefined;
    const certificate = readCertificate(
      isShown || isPlain ? { ...options } : options ? shownByEnvironment() : {},
    );
    const { urls, problem } = readAddresses(addr, trust !== undefined || certificate !== undefined);
    if (urls === undefined) return { field: "addr", problem };
    const apiKey = given ?? (isShown ? undefined : process.env.TASKRUN_API_KEY?.trim() || undefined);
    for (const url of urls) {
      const wrong = apiKeyProblem(apiKey, url, given !== undefined);
      if (wrong !== undefined) return { field: "apiKey", problem: wrong };
    }
    return { urls, trust, apiKey, certificate };
  } catch (error) {
    if (error instanceof TrustProblem || error instanceof CertificateProblem)
      return { field: error.field, problem: error.message };
    throw error;
  }
}

/** An empty variable is not set. */
function environment({ TASKRUN_CA, TASKRUN_CA_PIN } = process.env): TrustOptions {
  return { ca: TASKRUN_CA?.trim() || undefined, caPin: TASKRUN_CA_PIN?.trim() || undefined };
}

function shownByEnvironment({ TASKRUN_CERT, TASKRUN_CERT_KEY } = process.env): CertificateOptions {
  return { cert: TASKRUN_CERT?.trim() || undefined, certKey: TASKRUN_CERT_KEY?.trim() || undefined };
}

/** A key is sent to this machine, or encrypted. Its own text is never shown. */
function apiKeyProblem(apiKey: unknown, url: string, isGiven: boolean): string | undefined {
  if (apiKey === undefined) return undefined;
  const name = isGiven ? "apiKey" : "TASKRUN_API_KEY";
  if (typeof apiKey !== "string" || !/^[!-~]{1,8192}$/.test(apiKey)) {
    return `${name} is no text of a header: send the key as it was shown.`;
  }
  const { protocol, hostname } = new URL(url);
  const isHere = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  if (protocol === "https:" || isHere) return undefined;
  return `${name} would be sent unencrypted to ${hostname}: write https://, or name the server's authority (ca, caPin).`;
}
