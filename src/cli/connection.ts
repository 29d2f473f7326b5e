import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createClient, DEFAULT_ADDR, type TaskRunClient, TaskRunError } from "#client/index";
import { CliError, exit } from "./exit.js";
import type { Profile } from "./login/profiles.js";
import { ALL } from "./options.js";
import { fromServer } from "./refusal.js";
import type { ClientSettings } from "./server/settings.js";
import type { Io } from "./terminal/io.js";

/** Options of every command that calls a server. */
export interface ConnectionOptions {
  readonly addr?: string;
  readonly namespace?: string;
  /** File of the authorities that may vouch for the server. */
  readonly ca?: string;
  readonly caPin?: string;
  /** File with an API key in it. */
  readonly apiKeyFile?: string;
  /** Files of a certificate to show, and of its key. */
  readonly cert?: string;
  readonly certKey?: string;
  /** Data directory of a server on this machine, whose authority and first credential are used. */
  readonly data?: string;
  /** What `login` has kept under this name. */
  readonly profile?: string;
  /** False passes over the profile that is in use. */
  readonly inUse?: boolean;
}

/** Which server is meant, and whom to trust to be it. */
export interface Target {
  readonly addr: string;
  readonly namespace: string;
  readonly ca?: string;
  readonly caPin?: string;
  readonly apiKey?: string;
  /** Absolute paths. */
  readonly cert?: string;
  readonly certKey?: string;
}

/** Calls `use` with a client and closes it afterwards. Converts a failed call to a {@link CliError} with advice. */
export async function withClient<Result>(
  io: Io,
  options: ConnectionOptions,
  use: (client: TaskRunClient) => Promise<Result>,
): Promise<Result> {
  const server = await target(io, options);
  const { addr } = server;
  const client = open(server);
  try {
    return await use(client);
  } catch (thrown) {
    throw thrown instanceof TaskRunError ? fromServer(thrown, addr, io.self) : thrown;
  } finally {
    client.close();
  }
}

/**
 * What the options say, else the environment, else `taskrun.toml`, else the default. A profile counts as a whole: its credential goes
 * to its own server, and to no other one.
 */
export async function target(io: Io, options: ConnectionOptions): Promise<Target> {
  const { cwd, env } = io;
  // Loading the file's reader takes a tenth of a second, and most directories have no file.
  const hasFile = env.TASKRUN_CONFIG || existsSync(resolve(cwd, "taskrun.toml"));
  const file = hasFile ? (await import("./server/settings.js")).loadClientSettings({ cwd, env }) : {};
  const profile = (await profileOf(io, options)) ?? (await profileInUse(io, options, file.addr));
  const namespace = options.namespace || env.TASKRUN_NAMESPACE?.trim();
  const isAll = options.namespace === ALL;
  return {
    addr: options.addr || profile?.addr || env.TASKRUN_ADDR?.trim() || file.addr || DEFAULT_ADDR,
    namespace: isAll ? "" : namespace || profile?.namespace || file.namespace || "",
    ...trusted(io, options, profile ?? {}, file),
    ...credential(io, options, profile),
  };
}

/**
 * The profile that is meant. One in the environment is passed over where an option names another server.
 *
 * @throws {CliError} `usage` if two are named
 */
async function profileOf(
  io: Io,
  { profile: named, addr, data }: ConnectionOptions,
): Promise<Profile | undefined> {
  const name = named ?? io.env.TASKRUN_PROFILE?.trim();
  if (!name || (named === undefined && data !== undefined)) return undefined;
  const profile = await (await import("./login/profiles.js")).readProfile(io, name);
  if (named !== undefined && data !== undefined) {
    throw new CliError(exit.usage, "--profile and --data both name a server: leave one of them out");
  }
  const asked = addr || (named === undefined ? io.env.TASKRUN_ADDR?.trim() : undefined);
  if (!asked || asked === profile.addr) return profile;
  if (addr && named === undefined) return undefined;
  const other = addr ? `--addr ${addr}` : `TASKRUN_ADDR ${asked}`;
  throw new CliError(exit.usage, `profile ${name} is for ${profile.addr}, and ${other} is another server`, [
    "Leave one of them out: the credential of a profile is sent to its own server only.",
  ]);
}

/** The profile that `profile use` has chosen, unless something else says which server is meant, or who calls. */
async function profileInUse(
  io: Io,
  options: ConnectionOptions,
  addrInFile: string | undefined,
): Promise<Profile | undefined> {
  const { env } = io;
  const { addr, data, apiKeyFile, cert, profile, inUse = true } = options;
  if (!inUse) return undefined;
  const isNamed = [addr, data, apiKeyFile, cert, profile, env.TASKRUN_PROFILE?.trim(), addrInFile].some(
    Boolean,
  );
  const inEnvironment = [env.TASKRUN_ADDR, env.TASKRUN_API_KEY, env.TASKRUN_API_KEY_FILE, env.TASKRUN_CERT];
  if (isNamed || inEnvironment.some((text) => text?.trim())) return undefined;
  const profiles = await import("./login/profiles.js");
  const name = await profiles.profileInUse(io);
  return name === undefined ? undefined : profiles.readProfile(io, name);
}

/**
 * An API key, or a certificate: never in an argument, which other users of the machine could read. What is named nearest counts alone, since
 * a key beside a certificate is what a server goes by.
 */
function credential(
  io: Io,
  options: ConnectionOptions,
  profile: Profile | undefined,
): Pick<Target, "apiKey" | "cert" | "certKey"> {
  const shown = certificate(io, options, profile);
  const isNearest =
    options.cert !== undefined || options.certKey !== undefined || profile?.cert !== undefined;
  const isAlone = isNearest && options.apiKeyFile === undefined && options.data === undefined;
  return { ...shown, ...(!isAlone && apiKey(io, options, profile)) };
}

function certificate(
  { env, cwd }: Io,
  options: ConnectionOptions,
  profile: Profile | undefined,
): Pick<Target, "cert" | "certKey"> {
  const isNamed = options.cert !== undefined || options.certKey !== undefined;
  if (!isNamed && profile)
    return { ...(profile.cert && profile.certKey && { cert: profile.cert, certKey: profile.certKey }) };
  if (!isNamed && (options.apiKeyFile !== undefined || options.data !== undefined)) return {};
  const { cert, certKey } = isNamed
    ? options
    : { cert: env.TASKRUN_CERT?.trim(), certKey: env.TASKRUN_CERT_KEY?.trim() };
  if (!cert && !certKey) return {};
  if (!cert || !certKey) {
    const missing = cert ? "--cert-key FILE, or TASKRUN_CERT_KEY" : "--cert FILE, or TASKRUN_CERT";
    throw new CliError(exit.usage, `a certificate is shown with its key: name the other file by ${missing}`);
  }
  for (const [option, text] of [["--cert", cert] as const, ["--cert-key", certKey] as const]) {
    if (isNamed && text.includes("-----BEGIN"))
      throw new CliError(
        exit.usage,
        `${option} is the path of a file: other users of this machine can read arguments`,
      );
  }
  const pathOf = (text: string) => (text.includes("-----BEGIN") ? text : resolve(cwd, text));
  return { cert: pathOf(cert), certKey: pathOf(certKey) };
}

function apiKey(
  { env, cwd }: Io,
  { apiKeyFile, data }: ConnectionOptions,
  profile: Profile | undefined,
): Pick<Target, "apiKey"> {
  const inOption = apiKeyFile ?? (data && join(data, "admin.key"));
  if (inOption === undefined && profile) return { ...(profile.apiKey && { apiKey: profile.apiKey }) };
  const inEnvironment = env.TASKRUN_API_KEY?.trim();
  if (inOption === undefined && inEnvironment) return { apiKey: inEnvironment };
  const named = inOption ?? env.TASKRUN_API_KEY_FILE?.trim();
  if (!named) return {};
  const path = resolve(cwd, named);
  try {
    return { apiKey: readFileSync(path, "utf8").trim() };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new CliError(exit.usage, `the API key in ${path} cannot be read: ${why}`, [], cause);
  }
}

/** The authority that is named nearest: a pin in the environment does not count beside a file in an option. */
function trusted(
  { env, cwd }: Io,
  options: ConnectionOptions,
  profile: Partial<Profile>,
  file: ClientSettings,
): TrustedAuthority {
  const ofServer = options.data && authorityOf(resolve(cwd, options.data, "tls"));
  const isPem = profile.ca?.includes("-----BEGIN");
  const named = [
    { ca: options.ca, caPin: options.caPin },
    { ca: ofServer && existsSync(ofServer) ? ofServer : undefined, caPin: undefined },
    { ca: profile.ca, caPin: profile.caPin },
    { ca: env.TASKRUN_CA?.trim(), caPin: env.TASKRUN_CA_PIN?.trim() },
    { ca: file.ca, caPin: file["ca-pin"] },
  ];
  const { ca, caPin } = named.find((each) => each.ca || each.caPin) ?? {};
  return {
    ...(ca && { ca: isPem && ca === profile.ca ? ca : resolve(cwd, ca) }),
    ...(caPin && { caPin }),
  };
}

/** The file of what vouches for the server: its own authority, both while it is rotated, or that of an authority elsewhere. */
function authorityOf(folder: string): string {
  const both = join(folder, "bundle.pem");
  return existsSync(both) ? both : join(folder, "ca.pem");
}

type TrustedAuthority = Pick<Target, "ca" | "caPin">;

function open(target: Target): TaskRunClient {
  try {
    return createClient(target);
  } catch (cause) {
    throw new CliError(exit.usage, (cause as Error).message, [], cause);
  }
}
