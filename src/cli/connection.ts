import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createClient, DEFAULT_ADDR, type TaskRunClient, TaskRunError } from "#client/index";
import { CliError, exit } from "./exit.js";
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
  /** Data directory of a server on this machine, whose authority and first credential are used. */
  readonly data?: string;
}

/** Which server is meant, and whom to trust to be it. */
export interface Target {
  readonly addr: string;
  readonly namespace: string;
  readonly ca?: string;
  readonly caPin?: string;
  readonly apiKey?: string;
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

/** What the option says, else the environment, else `taskrun.toml`, else the default. */
export async function target(io: Io, options: ConnectionOptions): Promise<Target> {
  const { cwd, env } = io;
  // Loading the file's reader takes a tenth of a second, and most directories have no file.
  const hasFile = env.TASKRUN_CONFIG || existsSync(resolve(cwd, "taskrun.toml"));
  const file = hasFile ? (await import("./server/settings.js")).loadClientSettings({ cwd, env }) : {};
  return {
    addr: options.addr || env.TASKRUN_ADDR?.trim() || file.addr || DEFAULT_ADDR,
    namespace: options.namespace || env.TASKRUN_NAMESPACE?.trim() || file.namespace || "",
    ...trusted(io, options, file),
    ...credential(io, options),
  };
}

/** An API key: never an argument, which other users of the machine could read. */
function credential({ env, cwd }: Io, { apiKeyFile, data }: ConnectionOptions): Pick<Target, "apiKey"> {
  const named = apiKeyFile ?? (data && join(data, "admin.key")) ?? env.TASKRUN_API_KEY_FILE?.trim();
  const inEnvironment = env.TASKRUN_API_KEY?.trim();
  if (apiKeyFile === undefined && data === undefined && inEnvironment) return { apiKey: inEnvironment };
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
function trusted({ env, cwd }: Io, options: ConnectionOptions, file: ClientSettings): TrustedAuthority {
  const ofServer = options.data && resolve(cwd, options.data, "tls/ca.pem");
  const named = [
    { ca: options.ca, caPin: options.caPin },
    { ca: ofServer && existsSync(ofServer) ? ofServer : undefined, caPin: undefined },
    { ca: env.TASKRUN_CA?.trim(), caPin: env.TASKRUN_CA_PIN?.trim() },
    { ca: file.ca, caPin: file["ca-pin"] },
  ];
  const { ca, caPin } = named.find((each) => each.ca || each.caPin) ?? {};
  return { ...(ca && { ca: resolve(cwd, ca) }), ...(caPin && { caPin }) };
}

type TrustedAuthority = Pick<Target, "ca" | "caPin">;

function open({ addr, namespace, ca, caPin, apiKey }: Target): TaskRunClient {
  try {
    const proof = { ...(ca && { ca }), ...(caPin && { caPin }), ...(apiKey && { apiKey }) };
    return createClient({ addr, namespace, ...proof });
  } catch (cause) {
    throw new CliError(exit.usage, (cause as Error).message, [], cause);
  }
}
