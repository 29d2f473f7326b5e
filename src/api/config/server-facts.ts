import type { Instant } from "#domain/time/time";

/** What keeps the Tasks. */
export type StoreKind = "memory" | "sqlite" | "postgres";

/**
 * What a server tells of itself and its settings. A closed list, and not the settings with parts taken out: no key, path, address or URL
 * can come into it by a setting that is added later.
 */
export interface ServerFacts {
  /** Of the program, e.g. `1.2.3`. Empty if it is not known. */
  readonly version: string;
  /** When the listeners were opened. */
  readonly startedAt: Instant;
  readonly store: StoreKind;
  /** Most connections of this server to its store; 0 if the store needs none. */
  readonly storeConnections: number;
  /** What tokens are taken; absent if none are. */
  readonly tokens?: TokenFacts;
}

export interface TokenFacts {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
}

/** Of a gateway that was opened by a program of its own. */
export const noFacts: Omit<ServerFacts, "startedAt"> = { version: "", store: "memory", storeConnections: 0 };
