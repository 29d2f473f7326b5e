import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createClient, DEFAULT_ADDR, type TaskRunClient, TaskRunError } from "#client/index";
import { CliError, exit } from "./exit.js";
import { fromServer } from "./refusal.js";
import type { Io } from "./terminal/io.js";

/** Options of every command that calls a server. */
export interface ConnectionOptions {
  readonly addr?: string;
  readonly namespace?: string;
}

/** Calls `use` with a client and closes it afterwards. Converts a failed call to a {@link CliError} with advice. */
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

/** Returns the address and namespace: of the option, else the environment, else `taskrun.toml`, else the default. */
export async function target(
  io: Io,
  options: ConnectionOptions,
): Promise<{ addr: string; namespace: string }> {
  const { cwd, env } = io;
  // Loading the file's reader takes a tenth of a second, and most directories have no file.
  const hasFile = env.TASKRUN_CONFIG || existsSync(resolve(cwd, "taskrun.toml"));
  const file = hasFile ? (await import("./server/settings.js")).loadClientSettings({ cwd, env }) : {};
  return {
    addr: options.addr || env.TASKRUN_ADDR?.trim() || file.addr || DEFAULT_ADDR,
    namespace: options.namespace || env.TASKRUN_NAMESPACE?.trim() || file.namespace || "",
  };
}

function open(addr: string, namespace: string): TaskRunClient {
  try {
    return createClient({ addr, namespace });
  } catch (cause) {
    throw new CliError(exit.usage, (cause as Error).message, [], cause);
  }
}
