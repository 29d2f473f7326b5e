import type { JWTVerifyGetKey } from "jose";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import { readShort } from "../tls/private-files.js";
import { type KeySource, readKeySet } from "./key-set.js";

/**
 * The public keys in a file, which is read again every `limits.certificateEvery`. A file that cannot be used is logged once, and
 * the keys before are used on.
 *
 * @throws {Fault} `invalid` if it cannot be used at the start
 */
export async function openKeyFile(path: string, log: Log): Promise<KeySource & { look(): Promise<void> }> {
  let text = await readFile(path);
  let keys: JWTVerifyGetKey = readNamed(path, text);
  let complaint = "";
  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      const now = await readFile(path);
      if (now !== text) {
        keys = readNamed(path, now);
        text = now;
        log.info("the public keys of tokens are replaced", { path });
      }
      complaint = "";
    } catch (error) {
      const { message } = error as Error;
      if (message !== complaint) log.error(`${message} The keys before are used on.`);
      complaint = message;
    } finally {
      isLooking = false;
    }
  };
  const looking = setInterval(() => void look(), limits.certificateEvery).unref();
  return { find: (header, token) => keys(header, token), look, close: () => clearInterval(looking) };
}

async function readFile(path: string): Promise<string> {
  try {
    return await readShort(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw unreadable(
      path,
      code === "ENOENT" ? "cannot be read: there is no such file" : `cannot be read: ${message}`,
      cause,
    );
  }
}

function readNamed(path: string, text: string): JWTVerifyGetKey {
  try {
    return readKeySet(text);
  } catch (cause) {
    throw unreadable(path, (cause as Error).message, cause);
  }
}

function unreadable(path: string, says: string, cause: unknown): Fault {
  return new Fault("invalid", `jwt-keys: ${path} ${says}.`, { reason: "KEY_SET_UNREADABLE", cause });
}
