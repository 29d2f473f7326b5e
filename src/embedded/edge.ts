import { type Access, openAccess } from "#api/access/open-access";
import { CredentialWakes } from "#brokers/credential-wakes";
import { hasAuth, type ServerConfig, serverConfig } from "#config/index";
import { AUTHORITY_ID } from "#domain/access/authority";
import type { HandlerOptions } from "#gateway/http/handler";
import type { Addresses } from "#gateway/listeners";
import type { Gateway } from "#gateway/server";
import { adminKeyIn, writeAdminKey } from "#host/access/admin-key";
import { nodeClock } from "#host/clock";
import { openTls } from "#host/tls/open";
import type { Telemetry } from "#ports/telemetry";
import type { Checked } from "./checks.js";
import type { Listening, ListenOptions } from "./options.js";
import { optionsOf, shown } from "./values.js";

export interface EdgeParts {
  readonly gateway: Gateway;
  readonly checked: Pick<Checked, "config" | "store">;
  readonly telemetry: Telemetry;
  /** What takes the plane down, the last first. */
  readonly closers: (() => void | Promise<void>)[];
}

/** The addresses at which a plane listens for other processes, and what they need: certificates, and API keys. */
export class Edge {
  readonly #parts: EdgeParts;
  #access: Promise<Access> | undefined;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
  }

  /** See `TaskRun.listen`. */
  async listen(given: ListenOptions): Promise<Listening> {
    const { gateway, checked, telemetry, closers } = this.#parts;
    const { data } = checked.config;
    const options = optionsOf(given, "options", listenNames);
    const addresses = addressesOf(options);
    const config = configOf(options);
    const { allowedHosts = [], grpc = [], http = [] } = addresses;
    const { store } = checked;
    const tls = await openTls({ ...config, data, grpc, http, allowedHosts }, telemetry, {
      asksClients: false,
      // No worker enrols here, but the folder may be that of a server which rotates its authority.
      rotation: await store.enrolment?.get("authority", AUTHORITY_ID),
      isShared: store.shared === true,
    });
    try {
      const access = hasAuth(config) ? await this.#keys() : undefined;
      const bound = await gateway.listen({ ...addresses, ...(tls && { tls }) }, access);
      if (tls) closers.push(() => tls.close());
      return {
        ...bound,
        ...(tls?.pin && { caPin: tls.pin }),
        ...(access && adminKeyIn(data)),
      };
    } catch (error) {
      tls?.close();
      throw error;
    }
  }

  /** The API keys of the store, opened when they are first asked for. */
  #keys(): Promise<Access> {
    this.#access ??= this.#openKeys().catch((error: unknown) => {
      this.#access = undefined;
      throw error;
    });
    return this.#access;
  }

  async #openKeys(): Promise<Access> {
    const { checked, telemetry, closers } = this.#parts;
    const { data, keyRetention } = checked.config;
    const access = await openAccess({
      ...{ store: checked.store, clock: nodeClock(), log: telemetry.log, retention: keyRetention },
      wakes: new CredentialWakes(undefined),
      first: (text) => writeAdminKey(data, text),
    });
    closers.push(() => access.close());
    return access;
  }
}

const listenNames = [
  ...(["grpc", "http", "allowedHosts", "allowedOrigins", "insecure"] as const),
  ...(["tls", "tlsCert", "tlsKey", "auth"] as const),
] as const satisfies readonly (keyof ListenOptions)[];

/** Certificates and keys as the settings of a server have them. @throws {RangeError} naming the option that is wrong */
function configOf({ tls, tlsCert, tlsKey, auth }: ListenOptions): ServerConfig {
  const names = { tls: "tls", "tls-cert": "tlsCert", "tls-key": "tlsKey", auth: "auth" } as const;
  const given = { tls, "tls-cert": tlsCert, "tls-key": tlsKey, auth };
  try {
    return serverConfig(given, (setting) => names[setting as keyof typeof names] ?? setting);
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error });
  }
}

function addressesOf(options: ListenOptions): Addresses {
  const { grpc = [], http = [], insecure = false } = options;
  if (typeof insecure !== "boolean")
    throw new TypeError(`insecure is ${shown(insecure)}: send true or false.`);
  const addresses = { grpc: namesOf([grpc].flat(), "grpc"), http: namesOf([http].flat(), "http") };
  if (addresses.grpc.length + addresses.http.length === 0) {
    throw new TypeError(
      'options names no address: send grpc or http, for example { grpc: "127.0.0.1:50051" }.',
    );
  }
  return { ...addresses, ...admittedOf(options), insecure };
}

/** Who may call over HTTP. What is no origin is refused by the gateway, as the settings of a server are. */
export function admittedOf({ allowedHosts = [], allowedOrigins = [] }: HandlerOptions) {
  return {
    allowedHosts: namesOf(allowedHosts, "allowedHosts"),
    allowedOrigins: namesOf(allowedOrigins, "allowedOrigins"),
  };
}

function namesOf(given: readonly string[], where: string): readonly string[] {
  if (!Array.isArray(given)) throw new TypeError(`${where} is ${shown(given)}: send a list of texts.`);
  const wrong = given.findIndex((each) => typeof each !== "string");
  if (wrong === -1) return given;
  throw new TypeError(`${where}[${wrong}] is ${shown(given[wrong])}: send a text.`);
}
