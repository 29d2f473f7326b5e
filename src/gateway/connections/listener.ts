import type { AddressInfo, Server } from "node:net";
import type { Address } from "./address.js";

/** A server of one or more protocols that can be bound to an address. */
export interface Listener {
  readonly server: Server;
  /** Accepts no more connections and lets open requests finish. Resolves when the last connection is closed. */
  close(): Promise<void>;
  /** Closes all connections at once. */
  destroy(): void;
}

/** Binds a server. @returns the port that was bound, which the system chooses if `port` is 0 */
export function bind(server: Server, { host, port }: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
