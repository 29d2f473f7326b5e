import { isIP } from "node:net";
import { Fault } from "#domain/fault";

/** An address on which the gateway listens. */
export interface Address {
  /** An IP address without brackets, or a name. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `127.0.0.1:50051`, `[::1]:50051` or `localhost:50051`.
 *
 * @throws {Fault} `invalid`, with the form of an address in its message
 */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  const wrong = host === undefined || port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6);
  if (wrong) {
    const message = `"${text}" is no address: write HOST:PORT, for example 127.0.0.1:50051 or [::1]:50051.`;
    throw new Fault("invalid", message, { field: "address" });
  }
  return { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True for a loopback address or name, which only this machine can reach. Brackets are allowed. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost") || name === "::1") return true;
  return isIP(name) === 4 && name.startsWith("127.");
}

/**
 * The network that counts as one peer: an IPv4 address, or the first 64 bits of an IPv6 address, which a network
 * assigns as a whole. Undefined for this machine itself, whose peers cannot be distinguished by address.
 */
export function networkOf(remoteAddress: string): string | undefined {
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (isLoopback(address)) return undefined;
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill("0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}

/**
 * Refuses an address that other machines can reach, unless `isAllowed`: by TLS and authentication, or because somebody wants it so.
 *
 * @throws {Fault} `denied`
 */
export function checkReach({ host, port }: Address, isAllowed: boolean): void {
  if (isAllowed || isLoopback(host)) return;
  const shown = formatAddress({ host, port });
  const message = `${shown} can be reached from other machines, without TLS and authentication: listen on 127.0.0.1 or [::1], say --tls auto and --auth on, or --insecure if the network is to be trusted.`;
  throw new Fault("denied", message, { field: "address", reason: "NOT_LOOPBACK" });
}

/** The fault for an address that cannot be bound, with advice for an operator. */
export function bindFault(address: Address, cause: unknown): Fault {
  const shown = formatAddress(address);
  const text = cause instanceof Error ? cause.message : String(cause);
  const [code] = /E[A-Z]{4,}/.exec(text) ?? [];
  const advice =
    code === "EADDRINUSE"
      ? "something else listens there: stop it, or choose another port."
      : code === "EACCES"
        ? "this user may not listen there: choose a port above 1023."
        : code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT"
          ? "this machine has no such address: choose one that it has."
          : "choose another address.";
  const message = `cannot listen on ${shown} (${code ?? text}): ${advice}`;
  return new Fault("unavailable", message, { reason: code ?? "BIND_FAILED", cause });
}

/** True if the machine does not have the address at all, as a host without IPv6 does not have [::1]. */
export function isAbsent({ reason }: Fault): boolean {
  return reason === "EADDRNOTAVAIL" || reason === "EAFNOSUPPORT";
}
