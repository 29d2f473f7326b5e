import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";

/** The names in a server's certificate, each once. */
export interface ServerNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

/**
 * Under what a server can be reached: this machine's name, the loopback, the addresses on which it listens (of `0.0.0.0`
 * and `[::]` all that the machine has now), and the names under which it may be called.
 *
 * @param addresses as `HOST:PORT`
 * @param more names; `*` counts for nothing
 */
export function serverNames(addresses: readonly string[], more: readonly string[]): ServerNames {
  const hosts = addresses.map((address) =>
    address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1"),
  );
  const isEverywhere = hosts.some((host) => host === "0.0.0.0" || host === "::");
  const all = [
    "localhost",
    "127.0.0.1",
    "::1",
    hostname(),
    ...hosts,
    ...more,
    ...(isEverywhere ? own() : []),
  ];
  const names = [...new Set(all)].filter((name) => name !== "0.0.0.0" && name !== "::");
  return {
    dns: names.filter((name) => isIP(name) === 0 && HOST_NAME.test(name)),
    ip: names.filter((name) => isIP(name) !== 0),
  };
}

/** A name as DNS has them; what else may be a host is no name in a certificate. */
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/;

/** This machine's addresses that others can reach; those of one link alone are left out. */
function own(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return found.map(({ address }) => address).filter((address) => !/^fe80:/i.test(address));
}
