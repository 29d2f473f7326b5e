import { isIPv6 } from "node:net";

/** The gRPC address of a control plane on this machine. */
export const LOCAL_ADDR = "localhost:50051";
const DEFAULT_PORT = 50_051;

/** The address of the variable `TASKRUN_ADDR`; {@link LOCAL_ADDR} if it is not set, or empty. */
export function addrOfEnvironment(): string {
  return process.env.TASKRUN_ADDR?.trim() || LOCAL_ADDR;
}

/** An address that was read: its URL, or what is wrong with it, as the end of a sentence that begins with it. */
export type AddressReading =
  | { readonly url: string; readonly problem?: undefined }
  | { readonly url?: undefined; readonly problem: string };

/**
 * Reads the address of a server, in the same way for clients, workers and the command line.
 *
 * Without a scheme it is a host, with or without a port, which is then 50051: `localhost`, `plane.example:443`,
 * `127.0.0.1`, `::1`, `[::1]:50051`. With `http://` or `https://` it is a URL, whose port is then the scheme's, and which
 * may have a path that a proxy serves.
 *
 * @param isTls true if an authority to trust is named: then TLS is meant, and `http://` is a mistake
 */
export function readAddress(given: string, isTls = false): AddressReading {
  const text = typeof given === "string" ? given.trim() : "";
  const usual = isTls ? "https" : "http";
  if (text === "") return { problem: "is empty" };
  if (/\s/.test(text)) return { problem: "has a space in it; commas separate several addresses" };
  if (isIPv6(text) && !text.includes("%")) return { url: `${usual}://[${text}]:${DEFAULT_PORT}` };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (isTls && scheme === "http") return { problem: "begins with http://, which is not encrypted" };
  if (scheme !== undefined) return readUrl(text, scheme);
  return readHost(text, usual);
}

/** The address as people write it, for messages: without a scheme that it had not, and without a path. */
export function shownAddress(url: string): string {
  const { protocol, host } = new URL(url);
  return protocol === "https:" ? `https://${host}` : host;
}

function readUrl(text: string, scheme: string): AddressReading {
  if (scheme !== "http" && scheme !== "https")
    return { problem: `has the scheme ${scheme}, which is not spoken` };
  if (!URL.canParse(text)) return { problem: "is no URL" };
  const { username, password, search, hash, hostname, pathname, origin } = new URL(text);
  if (username !== "" || password !== "")
    return { problem: "has a user or password, which would not be sent" };
  if (search !== "" || hash !== "") return { problem: "has a query or fragment, which would not be sent" };
  if (hostname === "") return { problem: "names no host" };
  return { url: `${origin}${pathname.replace(/\/+$/, "")}` };
}

function readHost(text: string, scheme: string): AddressReading {
  if (/^\d+$/.test(text)) return { problem: "is a port alone" };
  // In brackets it is IPv6; of more than one colon without them it cannot be said which one begins the port.
  const [, host = "", port] = /^(\[[^\]]*\]|[^:/?#@[\]\\]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === "")
    return { problem: /:.*:/.test(text) && !text.includes("[") ? "is IPv6 without brackets" : "is none" };
  if (port !== undefined && (Number(port) === 0 || Number(port) > 65_535)) {
    return { problem: `has the port ${port}, which is not from 1 to 65535` };
  }
  const url = `${scheme}://${host}:${port ?? DEFAULT_PORT}`;
  return URL.canParse(url) ? { url } : { problem: "names no valid host" };
}

/** The whole message for an address that cannot be read. */
export function addressProblem(given: string, problem: string): string {
  return (
    `addr ${JSON.stringify(given)} ${problem}: write HOST:PORT or an http(s) URL, ` +
    `for example ${LOCAL_ADDR}, [::1]:50051 or https://plane.example`
  );
}
