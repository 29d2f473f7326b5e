import { createRequire } from "node:module";
import { hostname } from "node:os";
import type { NodeInfo } from "#domain/node";

const { version } = createRequire(import.meta.url)("#package.json") as { version: string };

/**
 * What this process says of itself to the nodes that share its store.
 *
 * @param listeners its gRPC addresses. The first one is told; its port must be fixed, since a node joins before it listens
 */
export function nodeSelf(listeners: readonly string[] = []): Omit<NodeInfo, "id"> {
  const [first = ""] = listeners;
  const [, host = "", port = "0"] = /^(.*):(\d+)$/.exec(first) ?? [];
  const isAnyHost = host === "0.0.0.0" || host === "[::]";
  const address = Number(port) === 0 ? "" : isAnyHost ? `${hostname()}:${port}` : first;
  return { version, hostname: hostname(), address };
}
