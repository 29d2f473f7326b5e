import type { Access } from "#api/access/open-access";
import type { CredentialWakes } from "#brokers/credential-wakes";
import { type ServerConfig, type SettingName, serverConfig } from "#config/index";
import { type AdmissionParts, openAdmission, openKeys } from "#edge";
import type { HandlerOptions } from "#gateway/http/handler";
import type { Addresses } from "#gateway/listeners";
import type { Gateway } from "#gateway/server";
import { adminKeyIn } from "#host/access/admin-key";
import type { AuditTrail } from "#ports/audit";
import type { Plane } from "#ports/plane";
import type { Telemetry } from "#ports/telemetry";
import type { Checked } from "./checks.js";
import type { Listening, ListenOptions } from "./options.js";
import { optionsOf, shown } from "./values.js";

export interface EdgeParts {
  readonly plane: Pick<Plane, "nodes">;
  readonly gateway: Gateway;
  readonly checked: Pick<Checked, "config" | "store">;
  readonly telemetry: Telemetry;
  readonly wakes: CredentialWakes;
  readonly audit: AuditTrail | undefined;
  /** What takes the plane down, the last first. */
  readonly closers: (() => void | Promise<void>)[];
}

/** The addresses at which a plane listens for other processes, and what they need: certificates, and credentials. */
export class Edge {
  readonly #parts: EdgeParts;
  #access: Promise<Access> | undefined;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
  }

  /** See `TaskRun.listen`. */
  async listen(given: ListenOptions): Promise<Listening> {
    const { gateway, checked, closers } = this.#parts;
    const options = optionsOf(given, "options", listenNames);
    const said = addressesOf(options);
    const config = configOf(options);
    const addresses = { ...said, compat: config.compat };
    const parts = this.#admissionParts(config, addresses);
    const keys = () => this.#keys(parts);
    const { tls, access, admission, close } = await openAdmission({ ...parts, keys });
    try {
      const bound = await gateway.listen({ ...addresses, ...(tls && { tls }) }, access && admission);
      closers.push(close);
      return {
        ...bound,
        ...(tls?.pin && { caPin: tls.pin }),
        ...(access && adminKeyIn(checked.config.data)),
      };
    } catch (error) {
      await close();
      throw error;
    }
  }

  #admissionParts(config: ServerConfig, addresses: Addresses): AdmissionParts {
    const { plane, checked, telemetry, wakes, audit } = this.#parts;
    const { store } = checked;
    const { data, keyRetention } = checked.config;
    const { allowedHosts = [], grpc = [], http = [] } = addresses;
    return {
      plane,
      store,
      telemetry,
      wakes,
      audit,
      config: { ...config, data, keyRetention, grpc, http, allowedHosts },
    };
  }

  /** The API keys of the store, opened when they are first asked for. */
  #keys(parts: AdmissionParts): Promise<Access> {
    this.#access ??= this.#openKeys(parts).catch((error: unknown) => {
      this.#access = undefined;
      throw error;
    });
    return this.#access;
  }

  async #openKeys(parts: AdmissionParts): Promise<Access> {
    const access = await openKeys(parts);
    this.#parts.closers.push(() => access.close());
    return access;
  }
}

/** The options of a listener that are settings of a server, and how a server calls them. */
const settings = {
  compat: "compat",
  insecure: "insecure",
  tls: "tls",
  tlsCert: "tls-cert",
  tlsKey: "tls-key",
  auth: "auth",
  jwtKeys: "jwt-keys",
  jwtIssuer: "jwt-issuer",
  jwtAudience: "jwt-audience",
  jwtAlgorithms: "jwt-algorithms",
  jwtPrincipalClaim: "jwt-principal-claim",
  jwtRoleClaim: "jwt-role-claim",
  jwtRoles: "jwt-roles",
  jwtNamespacesClaim: "jwt-namespaces-claim",
} as const satisfies Partial<Record<keyof ListenOptions, SettingName>>;

const listenNames = [
  ...(["grpc", "http", "allowedHosts", "allowedOrigins"] as const),
  ...(Object.keys(settings) as (keyof typeof settings)[]),
] as const satisfies readonly (keyof ListenOptions)[];

/** Certificates and credentials as the settings of a server have them. @throws {RangeError} naming the option that is wrong */
function configOf(options: ListenOptions): ServerConfig {
  const names = Object.entries(settings) as [keyof typeof settings, SettingName][];
  const optionOf = (setting: SettingName) => names.find(([, each]) => each === setting)?.[0] ?? setting;
  try {
    const given = names.map(([name, setting]) => [setting, options[name]]);
    const compat = options.compat === undefined ? undefined : [options.compat].flat();
    return serverConfig({ ...Object.fromEntries(given), compat }, optionOf);
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error });
  }
}

/** All but those of other systems, which are settings of a server. */
function addressesOf(options: ListenOptions): Addresses {
  const { grpc = [], http = [], compat = [], insecure = false } = options;
  if (typeof insecure !== "boolean")
    throw new TypeError(`insecure is ${shown(insecure)}: send true or false.`);
  const addresses = { grpc: namesOf([grpc].flat(), "grpc"), http: namesOf([http].flat(), "http") };
  if (addresses.grpc.length + addresses.http.length + [compat].flat().length === 0) {
    throw new TypeError(
      'options names no address: send grpc, http or compat, for example { grpc: "127.0.0.1:50051" }.',
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
