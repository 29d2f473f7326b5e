import type { AddressInfo, Server } from "node:net";
import type { Address } from "./address.js";

/** Everything that is spoken on one port. */
export interface Listener {
  readonly server: Server;
  /** Takes no more connections and lets open requests finish. Resolves when the last connection is closed. */
  close(): Promise<void>;
  /** Closes all connections at once. */
  destroy(): void;
}

/** @returns the port that was bound, which is another than asked for if 0 was */
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
