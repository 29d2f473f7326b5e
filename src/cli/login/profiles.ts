import { constants, type Stats } from "node:fs";
import { mkdir, open, readdir, readFile, stat, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { writePrivate } from "#files/private";
import { limits } from "#limits/index";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/** A server, whom to trust to be it, and a credential for it. */
export interface Profile {
  readonly addr: string;
  readonly namespace?: string;
  /** Certificates of the authority, as PEM. */
  readonly ca?: string;
  readonly caPin?: string;
  /** Absent if a certificate is shown instead. */
  readonly apiKey?: string;
  /** Files of a certificate and of its key: they stay where they are, and are read anew when they are used. */
  readonly cert?: string;
  readonly certKey?: string;
}

/** Rights of anybody but the owner. */
const OTHERS = 0o077;

/** Where profiles are: by the XDG base directories, for this user alone. */
export function profileFolder({ env }: Pick<Io, "env">): string {
  const base = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return join(base, "taskrun", "profiles");
}

/**
 * Reads a profile.
 *
 * @throws {CliError} `usage` if the name cannot be one, the file is damaged, or others may read it; `notFound` if there is none
 */
export async function readProfile(io: Pick<Io, "env" | "self">, name: string): Promise<Profile> {
  const path = fileOf(io, name);
  const file = await open(path, constants.O_RDONLY).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw noProfile(io, name, cause);
    throw unreadable(path, cause.message, cause);
  });
  try {
    const stats = await file.stat();
    checkPrivate(path, stats, "0600");
    if (stats.size > limits.profileBytes)
      throw unreadable(path, `it has more than ${limits.profileBytes} bytes`);
    return profileIn(path, await file.readFile("utf8"));
  } finally {
    await file.close();
  }
}

/** Writes a profile, for this user alone, whole or not at all. @throws {CliError} `usage` if others may look into the folder */
export async function writeProfile(io: Pick<Io, "env">, name: string, profile: Profile): Promise<string> {
  const path = fileOf(io, name);
  const folder = profileFolder(io);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  checkPrivate(folder, await stat(folder), "0700");
  await writePrivate(path, `${JSON.stringify(profile, undefined, 2)}\n`);
  return path;
}

/** The file with the name of the profile that is in use. */
function inUseFile({ env }: Pick<Io, "env">): string {
  return join(dirname(profileFolder({ env })), "profile-in-use");
}

/** The profile that `profile use` has chosen; undefined if there is none. */
export async function profileInUse(io: Pick<Io, "env">): Promise<string | undefined> {
  const text = await readFile(inUseFile(io), "utf8").catch(() => "");
  return text.trim() || undefined;
}

/** Chooses the profile that commands use which name no server; undefined chooses none. */
export async function useProfile(io: Pick<Io, "env">, name: string | undefined): Promise<void> {
  if (name === undefined) await unlink(inUseFile(io)).catch(() => {});
  else await writePrivate(inUseFile(io), `${name}\n`);
}

/** Forgets a profile, and that it is in use. @throws {CliError} `notFound` if there is none */
export async function removeProfile(io: Pick<Io, "env" | "self">, name: string): Promise<void> {
  if ((await profileInUse(io)) === name) await useProfile(io, undefined);
  await unlink(fileOf(io, name)).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === "ENOENT" ? noProfile(io, name, cause) : cause;
  });
}

/** The names of all profiles, in order. */
export async function profileNames(io: Pick<Io, "env">): Promise<readonly string[]> {
  const files = await readdir(profileFolder(io)).catch(() => []);
  return files.flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : [])).sort();
}

/** The file of a profile. @throws {CliError} `usage` if the name cannot be one */
export function fileOf(io: Pick<Io, "env">, name: string): string {
  if (/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) return join(profileFolder(io), `${name}.json`);
  const message = `${JSON.stringify(name.slice(0, 80))} is no name of a profile: 1 to 64 letters, digits, and - _ or .`;
  throw new CliError(exit.usage, message);
}

function checkPrivate(path: string, { mode, uid }: Stats, wanted: string): void {
  const rights = (mode & 0o777).toString(8).padStart(4, "0");
  if ((mode & OTHERS) !== 0) {
    throw new CliError(
      exit.usage,
      `${path} can be read by others (mode ${rights}), and has a credential in it`,
      [`If somebody may have read it, rotate that key. Then: chmod ${wanted} ${path}`],
    );
  }
  const self = process.getuid?.() ?? uid;
  if (uid !== self)
    throw new CliError(exit.usage, `${path} belongs to user ${uid}, and not to you (${self})`);
}

function profileIn(path: string, text: string): Profile {
  let found: Partial<Record<keyof Profile, unknown>>;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw unreadable(path, "it is not JSON", cause);
  }
  const { addr, apiKey, namespace, ca, caPin, cert, certKey } = found ?? {};
  const texts = [addr, apiKey, namespace, ca, caPin, cert, certKey].every(
    (each) => each === undefined || typeof each === "string",
  );
  const isKnown = Boolean(apiKey) || (Boolean(cert) && Boolean(certKey));
  if (!texts || !addr || !isKnown) throw unreadable(path, "it has no address, or no key");
  return found as Profile;
}

function unreadable(path: string, why: string, cause?: unknown): CliError {
  return new CliError(exit.usage, `the profile ${path} cannot be read: ${why}`, [], cause);
}

function noProfile(io: Pick<Io, "self">, name: string, cause: unknown): CliError {
  const next = `Make one: ${io.self} login --profile ${name} --addr HOST:PORT`;
  return new CliError(exit.notFound, `there is no profile ${name}`, [next], cause);
}
