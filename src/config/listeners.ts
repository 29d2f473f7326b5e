import { z } from "zod";
import type { CompatAddress } from "#domain/compat";
import { limits } from "#limits/index";
import type { Setting } from "./setting.js";
import { addresses, compatAddresses, count, flag, origins } from "./values.js";

/** Where a server listens, and to whom. */
export const listeners = {
  grpc: {
    ...addresses(1, "port 0 is any free one"),
    fallback: ["127.0.0.1:50051", "[::1]:50051"],
    help: "Addresses of the gRPC listener.",
  },
  http: {
    ...addresses(0, "off, or [] in the file, closes the listener"),
    fallback: ["127.0.0.1:8080", "[::1]:8080"],
    help: "Addresses of the HTTP listener: Connect, gRPC-Web, gRPC, metrics and health.",
  },
  compat: {
    ...compatAddresses,
    fallback: [],
    help: "Further addresses, at which clients of another system look: a name alone opens its usual ports on the loopback (orchestrator 50052 and 50053, tasker 9190, tasker-worker 8081), with =HOST:PORT that address instead.",
  },
  "orchestrator-agents": {
    schema: z
      .array(
        z
          .string("is no text; write names in quotes")
          .min(1, "is empty")
          .refine(
            (name) => Buffer.byteLength(name) <= limits.idBytes,
            `is longer than ${limits.idBytes} bytes`,
          ),
        "write a list of names in quotes",
      )
      .max(limits.agentsPerWorker, `has more than ${limits.agentsPerWorker} names`),
    range: `0 to ${limits.agentsPerWorker} names`,
    fallback: [],
    help: "The agents of workers of orchestrator.v1, which do not say what they run. Without any, those that SubmitTask has been asked for.",
  },
  "allowed-hosts": {
    schema: z
      .array(
        z.string("is no text; write names in quotes").min(1, "is empty"),
        "write a list of names in quotes",
      )
      .max(64, "has more than 64 names"),
    range: "0 to 64 host names",
    fallback: [],
    help: "Names beside those of the loopback under which the HTTP listener may be asked; * is any name.",
  },
  "allowed-origins": {
    ...origins,
    fallback: [],
    help: "Origins of web pages on other servers that may call the HTTP listener, for example https://app.example.",
  },
  insecure: {
    ...flag,
    fallback: false,
    help: "Listen beyond the loopback without TLS and authentication: everybody who reaches the port may do everything.",
  },
  connections: {
    ...count(1, 100_000),
    fallback: limits.connections,
    help: "Connections that the gRPC listeners hold together, and again the HTTP listeners; more are closed at once.",
  },
  "connections-per-address": {
    ...count(1, 100_000),
    fallback: limits.connectionsPerAddress,
    help: "Of them, those of one remote address that has not said hello; the loopback is not counted.",
  },
} as const satisfies Record<string, Setting>;

interface Reach {
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  readonly compat: readonly CompatAddress[];
  /** True if the listeners speak TLS. */
  readonly isTls: boolean;
  /** True if callers are asked for a credential. */
  readonly isAuthenticated: boolean;
}

/** What no setting of a listener says by itself: whether all of them together may be opened. */
export function listenerProblems(config: Reach & { readonly insecure: boolean }): string[] {
  const open = exposed(config);
  if (open.length === 0 || config.insecure) return [];
  const missing = [
    ...(config.isTls ? [] : ["--tls auto (or --tls-cert and --tls-key)"]),
    ...(config.isAuthenticated ? [] : ["--auth on"]),
  ];
  return [
    `${open.join(", ")} can be reached from other machines: say ${missing.join(" and ")}, or --insecure if everybody who reaches it may do everything`,
  ];
}

/** The addresses that other machines can reach without TLS and authentication. */
export function exposed({ grpc, http, compat, isTls, isAuthenticated }: Reach): string[] {
  if (isTls && isAuthenticated) return [];
  return [...grpc, ...http, ...compat.map(({ address }) => address)].filter((text) => !isLoopback(text));
}

/** True if only this machine can reach the address. */
export function isLoopback(text: string): boolean {
  const host = text.slice(0, text.lastIndexOf(":"));
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
