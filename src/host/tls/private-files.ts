import { constants, type Stats } from "node:fs";
import { mkdir, open, stat } from "node:fs/promises";
import { Fault } from "#domain/fault";
import { type Intrusion, intrusionOf, readPrivateFile } from "#files/private";
import { limits } from "#limits/index";

/** Makes a folder for this user alone. @throws {Fault} `denied` if it is there, and others may look into it */
export async function privateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  checkPrivate(path, await stat(path), "0700");
}

/** Reads a file that only this user may read. @throws {Fault} `denied` if others may; undefined if it is not there */
export function readPrivate(path: string): Promise<string | undefined> {
  return readPrivateFile(path, {
    most: limits.certificateFileBytes,
    intruded: (intrusion) => notPrivate(path, intrusion, "0600"),
    tooLong: (size) => tooLong(path, size),
  });
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

function checkPrivate(path: string, stats: Stats, wanted: string): void {
  const intrusion = intrusionOf(stats);
  if (intrusion) throw notPrivate(path, intrusion, wanted);
}

function notPrivate(path: string, intrusion: Intrusion, wanted: string): Fault {
  const message =
    intrusion.how === "rights"
      ? `${path} can be read by others (mode ${intrusion.mode}): whoever has read it can pass for this server. Make new keys if that may have happened, then: chmod ${wanted} ${path}`
      : `${path} belongs to user ${intrusion.uid}, and this server runs as ${intrusion.self}: let it belong to ${intrusion.self}.`;
  return new Fault("denied", message, { reason: "KEYS_NOT_PRIVATE" });
}

function checkSize(path: string, { size }: Stats): void {
  if (size > limits.certificateFileBytes) throw tooLong(path, size);
}

function tooLong(path: string, size: number): Fault {
  const message = `${path} has ${size} bytes; a certificate or key has at most ${limits.certificateFileBytes}.`;
  return new Fault("invalid", message, { reason: "TLS_UNREADABLE" });
}
