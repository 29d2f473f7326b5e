import { constants, type Stats } from "node:fs";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

/** Rights of anybody but the owner. */
const OTHERS = 0o077;

/** Makes a folder for this user alone. @throws {Fault} `denied` if it is there, and others may look into it */
export async function privateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  checkPrivate(path, await stat(path), "0700");
}

/** Reads a file that only this user may read. @throws {Fault} `denied` if others may; undefined if it is not there */
export async function readPrivate(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY).catch(absent);
  if (!file) return undefined;
  try {
    const stats = await file.stat();
    checkPrivate(path, stats, "0600");
    checkSize(path, stats);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Reads a file that need not be private. @throws {Error} of the system, or {@link Fault} `invalid` if it is too long */
export async function readShort(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY);
  try {
    checkSize(path, await file.stat());
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

function checkPrivate(path: string, { mode, uid }: Stats, wanted: string): void {
  const rights = (mode & 0o777).toString(8).padStart(4, "0");
  if ((mode & OTHERS) !== 0) {
    const message = `${path} can be read by others (mode ${rights}): whoever has read it can pass for this server. Make new keys if that may have happened, then: chmod ${wanted} ${path}`;
    throw new Fault("denied", message, { reason: "KEYS_NOT_PRIVATE" });
  }
  const self = process.getuid?.() ?? uid;
  if (uid === self) return;
  const message = `${path} belongs to user ${uid}, and this server runs as ${self}: let it belong to ${self}.`;
  throw new Fault("denied", message, { reason: "KEYS_NOT_PRIVATE" });
}

function checkSize(path: string, { size }: Stats): void {
  if (size <= limits.certificateFileBytes) return;
  const message = `${path} has ${size} bytes; a certificate or key has at most ${limits.certificateFileBytes}.`;
  throw new Fault("invalid", message, { reason: "TLS_UNREADABLE" });
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
