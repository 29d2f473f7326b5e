import { createHash } from "node:crypto";
import { clip } from "#domain/text/text";
import type { ServerConfig } from "./index.js";
import { hasAuth, hasTls } from "./tls.js";

/** The settings of a server that say who is let in, and what they may do. */
export type Policy = Pick<
  ServerConfig,
  | ("tls" | "tlsCert" | "tlsKey" | "auth" | "insecure" | "roles" | "workerCertificate")
  | ("clientCa" | "clientCertificates")
  | ("jwtKeys" | "jwtIssuer" | "jwtAudience" | "jwtAlgorithms")
  | ("jwtPrincipalClaim" | "jwtRoleClaim" | "jwtRoles" | "jwtNamespacesClaim")
>;

/** Of names in it: the digest is of all of them. */
const MOST_BYTES = 256;

/** The policy of a server that was given no settings: everybody on its machine may do everything. */
export const OPEN_POLICY = "auth off, tls off";

/**
 * Who is let in, and what they may do, as the settings say: in words for people, and for all of it a digest, so that no two different
 * policies read alike.
 */
export function policyWords(config: Policy): string {
  const isAsked = hasAuth(config);
  const encrypted = config.tls === "auto" ? "auto" : "by certificate";
  const words = [
    `auth ${isAsked ? "on" : "off"}`,
    `tls ${hasTls(config) ? encrypted : "off"}`,
    ...(config.insecure ? ["insecure"] : []),
  ];
  if (!isAsked) return words.join(", ");
  const { roles, jwtKeys, jwtIssuer, jwtAudience, jwtAlgorithms, jwtRoles } = config;
  const { jwtPrincipalClaim, jwtRoleClaim, jwtNamespacesClaim, workerCertificate } = config;
  const { clientCa, clientCertificates } = config;
  const clients = [...clientCertificates].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = [...roles.keys()].sort();
  if (names.length > 0) words.push(`roles ${clip(names.join(" "), MOST_BYTES)}`);
  if (jwtKeys !== "") words.push(`tokens of ${clip(jwtIssuer, MOST_BYTES)}`);
  if (clients.length > 0)
    words.push(`certificates of ${clip(clients.map(([name]) => name).join(" "), MOST_BYTES)}`);
  const all = [
    [...roles].map(([name, scopes]) => [name, [...scopes].sort()]).sort(),
    ...[jwtKeys, jwtIssuer, jwtAudience, jwtAlgorithms, [...jwtRoles].sort()],
    ...[jwtPrincipalClaim, jwtRoleClaim, jwtNamespacesClaim, workerCertificate],
    ...(clientCa === "" ? [] : [clientCa, clients]),
  ];
  const digest = createHash("sha256").update(JSON.stringify(all)).digest("hex");
  return `sha256:${digest.slice(0, 16)}, ${words.join(", ")}`;
}
