import { constants } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Rights of anybody but the owner. */
const OTHERS = 0o077;

/** Why a file or folder is not for this user alone. */
export type Intrusion =
  /** Others have rights on it; `mode` as people write it. */
  | { readonly how: "rights"; readonly mode: string }
  | { readonly how: "owner"; readonly uid: number; readonly self: number };

/** Whether others than this user can look into it; undefined if they cannot. */
export function intrusionOf({
  mode,
  uid,
}: {
  readonly mode: number;
  readonly uid: number;
}): Intrusion | undefined {
  if ((mode & OTHERS) !== 0) return { how: "rights", mode: (mode & 0o777).toString(8).padStart(4, "0") };
  const self = process.getuid?.() ?? uid;
  return uid === self ? undefined : { how: "owner", uid, self };
}

/** What a reader of a private file makes of what is wrong with it. */
export interface PrivateTerms {
  /** Bytes that it has at most. */
  readonly most: number;
  readonly intruded: (intrusion: Intrusion) => Error;
  readonly tooLong: (bytes: number) => Error;
}

/** Reads a file that only this user may read. @throws {Error} as the terms say; undefined if it is not there */
export async function readPrivateFile(path: string, terms: PrivateTerms): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY).catch(absent);
  if (!file) return undefined;
  try {
    // Of the file that is open, and not of its name, which may come to mean another one.
    const stats = await file.stat();
    const intrusion = intrusionOf(stats);
    if (intrusion) throw terms.intruded(intrusion);
    if (stats.size > terms.most) throw terms.tooLong(stats.size);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Writes a file that only this user may read, whole or not at all, however the process ends. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  const file = await open(beside, "w", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  const folder = await open(dirname(path), constants.O_RDONLY);
  await folder.sync().finally(() => folder.close());
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
