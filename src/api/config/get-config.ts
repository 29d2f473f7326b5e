import { z } from "zod";
import type { Instant } from "#domain/time/time";
import { useCase } from "../use-case.js";
import type { StoreKind, TokenFacts } from "./server-facts.js";

/** The settings that a server shows. */
export interface ShownConfig {
  readonly at: Instant;
  readonly version: string;
  readonly environment: string;
  /** Absent if nobody is asked for a credential. */
  readonly auth: ShownAuth | undefined;
  readonly store: StoreKind;
  readonly storeConnections: number;
  /** True if other nodes may share the store, and their changes are found by wakes and by polling. */
  readonly isShared: boolean;
  /** This node of several; empty if it is alone. */
  readonly nodeId: string;
}

export interface ShownAuth {
  /** How many API keys the server knows, those that have ended among them as long as they are kept. */
  readonly apiKeys: number;
  readonly tokens: TokenFacts | undefined;
}

/** What this server is set to, for operators and tools: see {@link ServerFacts}, which says why no secret is among it. */
export const getConfig = useCase({
  action: "config.read",
  input: z.object({}),
  find: () => ({ resource: { kind: "server" as const } }),
  perform: (_, { services: { plane, facts, keys, environment } }): ShownConfig => {
    const { version, store, storeConnections, tokens } = facts;
    return {
      ...{ at: plane.now(), version, environment, store, storeConnections },
      auth: keys && { apiKeys: keys.size, tokens },
      isShared: plane.node !== undefined,
      nodeId: plane.node?.id ?? "",
    };
  },
});
