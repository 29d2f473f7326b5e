import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writePrivate } from "#files/private";

/** The file of the first credential, in the data directory: for the command line on this machine, by `--data`. */
function adminKeyFile(data: string): string {
  return join(data, "admin.key");
}

/** The same, if it is there: over a database the server that started first has it. */
export function adminKeyIn(data: string): { readonly adminKey?: string } {
  const adminKey = adminKeyFile(data);
  return existsSync(adminKey) ? { adminKey } : {};
}

/** Writes the first credential of a server, for its user alone. */
export async function writeAdminKey(data: string, text: string): Promise<void> {
  // Of a server that keeps its data in a database it has nothing else in it yet.
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writePrivate(adminKeyFile(data), `${text}\n`);
}
