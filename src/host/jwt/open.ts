import type { Instant } from "#domain/time/time";
import type { Clock } from "#ports/clock";
import type { Log } from "#ports/telemetry";
import type { TokenVerifier } from "#ports/tokens";
import type { KeySource } from "./key-set.js";

/** The settings of a server that concern tokens. */
export interface TokenSettings {
  /** URL of a JWKS, path of a file, or empty: then no tokens are taken. */
  readonly jwtKeys: string;
  readonly jwtIssuer: string;
  readonly jwtAudience: readonly string[];
  readonly jwtAlgorithms: readonly string[];
}

export interface OpenTokens extends TokenVerifier {
  /** Looks no more for changes of the keys. */
  close(): void;
}

/**
 * Opens the keys that the settings name; undefined if they name none. An issuer that cannot be reached is no reason not to start:
 * API keys go on being valid.
 *
 * @throws {Fault} `invalid` if a file cannot be used
 */
export async function openTokens(
  settings: TokenSettings,
  log: Log,
  clock: Pick<Clock, "now">,
): Promise<OpenTokens | undefined> {
  const { jwtKeys, jwtIssuer: issuer, jwtAudience: audience, jwtAlgorithms: algorithms } = settings;
  if (jwtKeys === "") return undefined;
  const now = () => clock.now();
  const { tokenVerifier } = await import("./verifier.js");
  const keys = await openKeys(jwtKeys, log, now);
  const { verify } = tokenVerifier({ find: keys.find, issuer, audience, algorithms, now });
  return { verify, close: () => keys.close() };
}

async function openKeys(place: string, log: Log, now: () => Instant): Promise<KeySource> {
  if (!/^https?:\/\//i.test(place)) return (await import("./key-file.js")).openKeyFile(place, log);
  const { RemoteKeys } = await import("./remote-keys.js");
  return new RemoteKeys({ url: place, now, log });
}
