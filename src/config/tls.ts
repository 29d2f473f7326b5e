import type { Setting } from "./setting.js";
import { duration, oneOf, path } from "./values.js";

/** How connections are encrypted, and with what the server proves who it is. */
export const tls = {
  tls: {
    ...oneOf(["off", "auto"], " or "),
    fallback: "off",
    help: "auto makes an authority and a certificate in the data directory, and renews the certificate; clients are given the authority's pin.",
  },
  "tls-cert": {
    ...path,
    fallback: "",
    help: "File of a certificate for both listeners, followed by those that lead to its root, as PEM. Changes are noticed.",
  },
  "tls-key": {
    ...path,
    fallback: "",
    help: "File of its key, as PEM.",
  },
  "issuer-cert": {
    ...path,
    fallback: "",
    help: "File of an authority of yours, followed by those that lead to its root, and the root, as PEM: it signs for servers and workers. Changes are noticed.",
  },
  "issuer-key": {
    ...path,
    fallback: "",
    help: "File of its key, of P-256, as PEM.",
  },
  "worker-certificate": {
    ...duration("5m", "24h"),
    fallback: "24h",
    help: "How long the certificate of an enrolled worker lasts; it is renewed when a third of that is left.",
  },
  auth: {
    ...oneOf(["auto", "on", "off"]),
    fallback: "auto",
    help: "Whether callers are asked for an API key; auto asks where the listeners speak TLS.",
  },
  "key-retention": {
    ...duration("1d", "3650d"),
    fallback: "90d",
    help: "How long an API key is listed that was revoked or has expired.",
  },
} as const satisfies Record<string, Setting>;

interface TlsValues {
  readonly tls: "off" | "auto";
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly issuerCert: string;
  readonly issuerKey: string;
}

/** True if the listeners speak TLS. */
export function hasTls({ tls, tlsCert }: Pick<TlsValues, "tls" | "tlsCert">): boolean {
  return tls === "auto" || tlsCert !== "";
}

/** True if callers are asked for a credential. */
export function hasAuth(
  config: Pick<TlsValues, "tls" | "tlsCert"> & { readonly auth: "auto" | "on" | "off" },
): boolean {
  return config.auth === "on" || (config.auth === "auto" && hasTls(config));
}

/** What no setting of TLS says by itself. */
export function tlsProblems({ tls, tlsCert, tlsKey, issuerCert, issuerKey }: TlsValues): string[] {
  if (issuerCert !== "" && issuerKey === "")
    return ["issuer-cert is without a key: name its file by --issuer-key"];
  if (issuerCert === "" && issuerKey !== "")
    return ["issuer-key is without a certificate: name its file by --issuer-cert"];
  if (issuerCert !== "" && tls === "off")
    return ["issuer-cert signs where the server makes its certificate: say --tls auto, too"];
  if (tlsCert !== "" && tlsKey === "") return ["tls-cert is without a key: name its file by --tls-key"];
  if (tlsCert === "" && tlsKey !== "")
    return ["tls-key is without a certificate: name its file by --tls-cert"];
  if (tls === "auto" && tlsCert !== "") {
    return ["tls auto makes a certificate, and tls-cert names one: leave one of the two out"];
  }
  return [];
}
