import { readFile } from "node:fs/promises";
import type { RunningServer } from "#control-plane";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/**
 * The API key by which the worker of `dev` connects, where callers are asked for one: the first key, else `TASKRUN_API_KEY`.
 *
 * @throws {CliError} `usage` if there is neither; then the server has been stopped
 */
export async function devKey(
  { adminKey, stop }: Pick<RunningServer, "adminKey" | "stop">,
  { env }: Pick<Io, "env">,
): Promise<string | undefined> {
  if (adminKey === undefined) return undefined;
  try {
    return (await readFile(adminKey, "utf8")).trim();
  } catch (cause) {
    const given = env.TASKRUN_API_KEY?.trim();
    if (given) return given;
    await stop();
    const message = `the API key in ${adminKey} cannot be read: ${(cause as Error).message}`;
    const next =
      "The first key is written once, when the store has none. Give dev another one by TASKRUN_API_KEY.";
    throw new CliError(exit.usage, message, [next], cause);
  }
}
