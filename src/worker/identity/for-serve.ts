import { join, resolve } from "node:path";
import type { Trust } from "#transport/trust";
import { kindOf } from "../agent/kind-of.js";
import { stderrLog } from "../agent/log.js";
import type { ServeOptions } from "../serve-options.js";
import { patientLog } from "../serve-options.js";
import { idOf, WorkerIdentity } from "./identity.js";

const TOKEN = /^trb_[0-9A-Za-z]{10}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/;

/**
 * The identity of a Worker that enrols, or was enrolled before; undefined if the options, and the environment, name none.
 *
 * @throws {RangeError | TypeError} naming the option that is wrong
 * @throws {Error} what {@link WorkerIdentity.open} throws
 */
export async function identityFor(
  { urls, trust }: { readonly urls: readonly string[]; readonly trust: Trust | undefined },
  options: ServeOptions,
): Promise<WorkerIdentity | undefined> {
  const token = text("token", options.token) ?? (process.env.TASKRUN_TOKEN?.trim() || undefined);
  const named = text("identityDir", options.identityDir) ?? process.env.TASKRUN_IDENTITY_DIR?.trim();
  if (token === undefined && !named) return undefined;
  // Its own text is never shown.
  if (token !== undefined && !TOKEN.test(token)) {
    throw new RangeError(
      "token is no token of an invitation: take it from the line that `worker invite` prints",
    );
  }
  if (!trust) {
    const message =
      "token is sent to nobody who is not known: name the server's authority by caPin, or by ca";
    throw new RangeError(
      token === undefined ? message.replace("token", "identityDir: a certificate") : message,
    );
  }
  if (urls.some((url) => url.startsWith("http:"))) {
    throw new RangeError("token would be sent unencrypted: write https:// in addr");
  }
  const folder = resolve(named || join(".taskrun", "workers", idOf(token ?? "")));
  const log = options.log ? patientLog(options.log) : stderrLog();
  const signal = options.signal ?? new AbortController().signal;
  const identity = await WorkerIdentity.open({ urls, trust, token, folder, log, signal });
  if (options.id === undefined || options.id === identity.worker) return identity;
  throw new RangeError(
    `id is "${options.id}", but this worker was invited as "${identity.worker}": leave id out`,
  );
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw new TypeError(`${name} is ${value === "" ? "empty" : kindOf(value)}: send a text, or leave it out`);
}
