import type { TaskRunClient } from "#client/index";
import { registerAll } from "#embedded/templates";
import { readChanged, walk } from "#host/template-walk";
import type { Log } from "#ports/telemetry";

/**
 * Registers the templates of a folder as they are now.
 *
 * @throws {TaskRunError} naming the file that is refused, and why
 * @throws {Error} if the folder cannot be read
 */
export async function registerFolder(folder: string, client: TaskRunClient, log: Log): Promise<void> {
  const { files, leftOut } = await walk(folder, async () => {});
  for (const each of leftOut) log.warn(each);
  for (const file of files) {
    const { text } = await readChanged(file, "");
    if (text !== undefined) await registerAll([text], client, log, () => file.name);
  }
}
