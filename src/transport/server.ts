import { addrOfEnvironment } from "./address.js";
import { readAddresses } from "./addresses.js";
import { readTrust, type Trust, type TrustOptions, TrustProblem } from "./trust.js";

/** The options of clients and workers that say which server is meant. */
export interface ServerOptions extends TrustOptions {
  readonly addr?: string | readonly string[] | undefined;
  readonly apiKey?: string | undefined;
}

/** A server, or the option that is wrong and the whole message for it. */
export type ServerReading =
  | {
      /** Of several nodes all that were named. */
      readonly urls: readonly string[];
      readonly trust: Trust | undefined;
      readonly apiKey: string | undefined;
      readonly problem?: undefined;
    }
  | { readonly field: string; readonly problem: string };

/**
 * Reads the options; those that are left out are the variables `TASKRUN_ADDR`, `TASKRUN_CA`, `TASKRUN_CA_PIN` and `TASKRUN_API_KEY`. Where an
 * authority is named TLS is meant, except that the environment's is ignored for an address with `http://`.
 */
export function readServer({
  addr = addrOfEnvironment(),
  ca,
  caPin,
  apiKey: given,
}: ServerOptions): ServerReading {
  const isGiven = ca !== undefined || caPin !== undefined;
  const isPlain = [addr].flat().some((each) => typeof each === "string" && /(^|,)\s*http:/i.test(each));
  try {
    const trust = readTrust(isGiven ? { ca, caPin } : isPlain ? {} : environment());
    const { urls, problem } = readAddresses(addr, trust !== undefined);
    if (urls === undefined) return { field: "addr", problem };
    const apiKey = given ?? (process.env.TASKRUN_API_KEY?.trim() || undefined);
    for (const url of urls) {
      const wrong = apiKeyProblem(apiKey, url, given !== undefined);
      if (wrong !== undefined) return { field: "apiKey", problem: wrong };
    }
    return { urls, trust, apiKey };
  } catch (error) {
    if (error instanceof TrustProblem) return { field: error.field, problem: error.message };
    throw error;
  }
}

/** An empty variable is not set. */
function environment({ TASKRUN_CA, TASKRUN_CA_PIN } = process.env): TrustOptions {
  return { ca: TASKRUN_CA?.trim() || undefined, caPin: TASKRUN_CA_PIN?.trim() || undefined };
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
