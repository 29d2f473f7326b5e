import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createClient, DEFAULT_ADDR, type TaskRunClient, TaskRunError } from "#client/index";
import { CliError, exit } from "./exit.js";
import type { Io } from "./io.js";
import { fromServer } from "./refusal.js";

/** What every command that talks to a server takes. */
export interface ConnectionOptions {
  readonly addr?: string;
  readonly namespace?: string;
}

/** Does something with a client, then closes it. A failed call becomes a {@link CliError} that says what to do. */
export async function withClient<Result>(
  io: Io,
  options: ConnectionOptions,
  use: (client: TaskRunClient) => Promise<Result>,
): Promise<Result> {
  const { addr, namespace } = await target(io, options);
  const client = open(addr, namespace);
  try {
    return await use(client);
  } catch (thrown) {
    throw thrown instanceof TaskRunError ? fromServer(thrown, addr, io.self) : thrown;
  } finally {
    client.close();
  }
}

/** Where to: the flag, else the environment, else `taskrun.toml`, else the default. */
export async function target(
  io: Io,
  options: ConnectionOptions,
): Promise<{ addr: string; namespace: string }> {
  const { cwd, env } = io;
  // The file's reader is worth a tenth of a second, and most directories have no file.
  const hasFile = env.TASKRUN_CONFIG || existsSync(resolve(cwd, "taskrun.toml"));
  const file = hasFile ? (await import("./settings.js")).loadClientSettings({ cwd, env }) : {};
  return {
    addr: options.addr || env.TASKRUN_ADDR || file.addr || DEFAULT_ADDR,
    namespace: options.namespace || env.TASKRUN_NAMESPACE || file.namespace || "",
  };
}

function open(addr: string, namespace: string): TaskRunClient {
  try {
    return createClient({ addr, namespace });
  } catch (cause) {
    throw new CliError(exit.usage, (cause as Error).message, [], cause);
  }
}
