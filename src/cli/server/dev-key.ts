import { readFile } from "node:fs/promises";
import { hasAuth, type ServerConfig } from "#config/index";
import type { RunningServer } from "#server";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/**
 * The API key by which the worker of `dev` connects, where callers are asked for one: the first key, else `TASKRUN_API_KEY`.
 *
 * @throws {CliError} `usage` if there is neither; then the server has been stopped
 */
export async function devKey(
  { adminKey, stop }: Pick<RunningServer, "adminKey" | "stop">,
  config: ServerConfig,
  { env }: Pick<Io, "env">,
): Promise<string | undefined> {
  if (!hasAuth(config)) return undefined;
  const first = adminKey && (await readFile(adminKey, "utf8").catch(() => undefined));
  const key = (first ?? env.TASKRUN_API_KEY ?? "").trim();
  if (key !== "") return key;
  await stop();
  throw new CliError(exit.usage, `there is no API key for the worker of dev in ${config.data}`, [
    "The first key is written once, when the store has none. Give dev another one by TASKRUN_API_KEY.",
  ]);
}
