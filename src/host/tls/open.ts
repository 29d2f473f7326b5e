import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { AuthorityRow } from "#domain/access/authority";
import type { CompatAddress } from "#domain/compat";
import { Fault } from "#domain/fault";
import { writePrivate } from "#files/private";
import { limits } from "#limits/index";
import type { RotatingAuthority, WorkerAuthority } from "#ports/authority";
import type { Telemetry } from "#ports/telemetry";
import type { TlsIdentity } from "#ports/tls";
import { type OpenTls, openIdentity } from "./certificate.js";
import { clientAuthorities } from "./client-authorities.js";
import { type ServerNames, serverNames } from "./names.js";
import { privateFolder, readPrivate, readShort } from "./private-files.js";
import type { Authority } from "./x509.js";

/** The settings of a server that concern its TLS. */
export interface TlsSettings {
  readonly tls: "off" | "auto";
  readonly tlsCert: string;
  readonly tlsKey: string;
  /** File of the authorities of clients; empty if no client is known by a certificate. */
  readonly clientCa?: string;
  readonly issuerCert: string;
  readonly issuerKey: string;
  readonly data: string;
  readonly grpc: readonly string[];
  readonly http: readonly string[];
  readonly compat?: readonly CompatAddress[];
  readonly allowedHosts: readonly string[];
}

/** The TLS of a server, and what its clients need to trust it. */
export interface ServerTls extends OpenTls {
  /** Of the server's own authority; absent if the certificate is somebody else's. */
  readonly pin?: string;
  /** Signs for workers; absent likewise. */
  readonly authority?: WorkerAuthority;
  /** The same, if it is the server's own. */
  readonly rotating?: RotatingAuthority;
}

/** Whom a server asks for a certificate, and where the rotation of its authority stands. */
export interface TlsPeers {
  /** True if clients may show a certificate of the server's own authority. */
  readonly asksClients: boolean;
  readonly rotation?: AuthorityRow | undefined;
  /** True if other servers share the store in which that is written. */
  readonly isShared?: boolean;
}

/**
 * Opens the identity that the settings name; undefined if they want plaintext.
 *
 * @throws {Fault} `invalid` or `denied` if a file cannot be used
 */
export async function openTls(
  settings: TlsSettings,
  telemetry: Telemetry,
  peers: TlsPeers = { asksClients: false },
): Promise<ServerTls | undefined> {
  const { tlsCert, tlsKey, clientCa = "", data, grpc, http, compat = [], allowedHosts } = settings;
  const withClients: WithClients = async (identity) => {
    if (clientCa === "" || !peers.asksClients) return identity;
    const pem = await readNamed("client-ca", clientCa);
    return { ...identity, callerCa: clientAuthorities(clientCa, pem, identity.clientCa) };
  };
  if (settings.tls === "auto") {
    const folder = join(data, "tls");
    await privateFolder(folder);
    const names = () =>
      serverNames([...grpc, ...http, ...compat.map(({ address }) => address)], allowedHosts);
    const { issuerCert, issuerKey } = settings;
    const asked = { ...peers, withClients };
    return issuerCert === ""
      ? ownTls(folder, names, telemetry, asked)
      : issuedTls(folder, { cert: issuerCert, key: issuerKey, names }, telemetry, asked);
  }
  if (tlsCert === "") return undefined;
  return openIdentity(async () => {
    const [cert, key] = [await readNamed("tls-cert", tlsCert), await readNamed("tls-key", tlsKey)];
    return withClients({ cert, key });
  }, telemetry);
}

/** The identity with the authorities of clients, as their file is now. */
type WithClients = (identity: TlsIdentity) => Promise<TlsIdentity>;

async function readNamed(setting: string, path: string): Promise<string> {
  try {
    return await readShort(path);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new Fault("invalid", `${setting}: ${path} cannot be read: ${why}.`, {
      reason: "TLS_UNREADABLE",
      cause,
    });
  }
}

async function ownTls(
  folder: string,
  names: () => ServerNames,
  telemetry: Telemetry,
  {
    asksClients,
    rotation: row,
    isShared = false,
    withClients,
  }: TlsPeers & { readonly withClients: WithClients },
): Promise<ServerTls> {
  const { openOwnAuthority } = await import("./own-authority.js");
  const authority = await openOwnAuthority({ folder, now: Date.now, row, isShared });
  const opened = await openIdentity(
    madeBy(folder, authority, names, { asksClients, withClients }),
    telemetry,
  );
  authority.changed = () => opened.look();
  return Object.assign(opened, { pin: authority.pin, authority, rotating: authority });
}

/** By an authority of the operator's, whose root is elsewhere. */
async function issuedTls(
  folder: string,
  { names, ...files }: { readonly cert: string; readonly key: string; readonly names: () => ServerNames },
  telemetry: Telemetry,
  { asksClients, withClients }: TlsPeers & { readonly withClients: WithClients },
): Promise<ServerTls> {
  const { openIssuerFiles } = await import("./issuer-files.js");
  const authority = await openIssuerFiles({ ...files, now: Date.now });
  const make = madeBy(folder, authority, names, { asksClients, withClients });
  const opened = await openIdentity(async () => {
    await authority.look();
    return make();
  }, telemetry);
  // What commands on this machine trust.
  await writePrivate(join(folder, "bundle.pem"), authority.bundle);
  return Object.assign(opened, { pin: authority.pin, authority });
}

/** Reads the server's certificate, and makes another one when it is time, or another authority serves. */
function madeBy(
  folder: string,
  authority: { readonly serving: Authority; readonly bundle: string },
  names: () => ServerNames,
  { asksClients, withClients }: { readonly asksClients: boolean; readonly withClients: WithClients },
): () => Promise<TlsIdentity> {
  const [certPath, keyPath] = [join(folder, "server.pem"), join(folder, "server.key")];
  return async () => {
    const [cert, key] = [await readPrivate(certPath), await readPrivate(keyPath)];
    const now = Date.now();
    const { serving, bundle } = authority;
    const clients = asksClients ? { clientCa: bundle } : {};
    if (cert !== undefined && key !== undefined && serves({ cert, key }, serving.cert, names(), now)) {
      return withClients({ cert, key, ...clients });
    }
    const { issueServer } = await import("./authority.js");
    const made = await issueServer(serving, names(), now);
    await writePrivate(keyPath, made.key);
    await writePrivate(certPath, made.cert);
    return withClients({ ...made, ...clients });
  };
}

/** True if the certificate is of this authority and key, has these names, and need not be renewed yet. */
function serves(identity: TlsIdentity, authority: string, { dns, ip }: ServerNames, now: number): boolean {
  try {
    const cert = new X509Certificate(identity.cert);
    const hasNames =
      dns.every((name) => cert.checkHost(name) !== undefined) &&
      ip.every((address) => cert.checkIP(address) !== undefined);
    const isOurs =
      identity.cert.includes(authority.trim()) && cert.verify(new X509Certificate(authority).publicKey);
    const left = Date.parse(cert.validTo) - now;
    return hasNames && isOurs && left > limits.serverCertificateLife / 3 && belongs(cert, identity.key);
  } catch {
    return false;
  }
}

function belongs(cert: X509Certificate, key: string): boolean {
  return cert.checkPrivateKey(createPrivateKey(key));
}
