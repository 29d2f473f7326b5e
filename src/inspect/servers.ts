import type { InspectorServerParts } from "./websocket.js";

/** Connections to inspector servers. */
export interface Inspectors {
  /** Sends what still waits, and closes them; bounded. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Sends what a hub makes to inspector servers, as long as they can be reached. Loads nothing if there are none.
 *
 * @param urls `ws:` or `wss:`
 */
export async function connectInspectors(
  urls: readonly string[],
  parts: InspectorServerParts,
): Promise<Inspectors> {
  if (urls.length === 0) return { stop: async () => undefined };
  const { InspectorServerClient } = await import("./websocket.js");
  const clients = urls.map((url) => new InspectorServerClient(url, parts));
  for (const client of clients) client.start();
  return {
    stop: async () => {
      await Promise.all(clients.map((client) => client.stop()));
    },
  };
}
