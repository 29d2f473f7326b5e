import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writePrivate } from "../tls/private-files.js";

/** The file of the first credential, in the data directory: for the command line on this machine, by `--data`. */
export function adminKeyFile(data: string): string {
  return join(data, "admin.key");
}

/** Writes the first credential of a server, for its user alone. */
export async function writeAdminKey(data: string, text: string): Promise<void> {
  // Of a server that keeps its data in a database it has nothing else in it yet.
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writePrivate(adminKeyFile(data), `${text}\n`);
}
