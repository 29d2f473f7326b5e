import { readFile } from "node:fs/promises";
import { createClient, TaskRunError } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, type Target, target } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { fromServer } from "../refusal.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";
import { fileOf, type Profile, profileNames, readProfile, removeProfile, writeProfile } from "./profiles.js";
import { askSecret } from "./secret.js";

export interface LoginOptions extends Omit<ConnectionOptions, "profile"> {
  readonly profile?: string;
  /** False keeps the credential without asking the server whether it counts. */
  readonly check?: boolean;
}

/** `login`: keeps a credential for a server, with its address and whom to trust to be it. */
export async function login(options: LoginOptions, io: Io): Promise<ExitCode> {
  const name = nameOf(options, io);
  const { profile: _, check = true, ...others } = options;
  // What is there already is not used: it is about to be replaced.
  const { TASKRUN_PROFILE: __, TASKRUN_API_KEY: ___, TASKRUN_API_KEY_FILE: ____, ...rest } = io.env;
  const { TASKRUN_CERT: _____, TASKRUN_CERT_KEY: ______, ...env } = rest;
  const server = await target({ ...io, env }, { ...others, inUse: false });
  const { addr, namespace, caPin, cert, certKey } = server;
  const apiKey = server.apiKey ?? (cert === undefined ? await readKey(io) : undefined);
  const profile: Profile = {
    addr,
    ...(apiKey && { apiKey }),
    ...(cert && certKey && { cert, certKey }),
    ...(namespace && { namespace }),
    ...(caPin && { caPin }),
    ...(server.ca && { ca: await authorityIn(server.ca) }),
  };
  if (check) await tryOut({ ...profile, namespace }, io);
  const path = await writeProfile(io, name, profile);
  await io.stderr.write(`${oneLine(`the credential for ${addr} is in ${path}`)}\n`);
  await io.stderr.write(`use it by --profile ${name}, or TASKRUN_PROFILE=${name}\n`);
  return exit.ok;
}

/** `logout`: forgets a credential. The key itself goes on to count until it is revoked. */
export async function logout(options: { readonly profile?: string }, io: Io): Promise<ExitCode> {
  const name = nameOf(options, io);
  const apiKey = await readProfile(io, name)
    .then((profile) => profile.apiKey)
    .catch(() => "");
  const hadKey = apiKey !== undefined;
  const id = /^tr_([0-9A-Za-z]+)_/.exec(apiKey ?? "")?.[1];
  await removeProfile(io, name);
  const revoke = id === undefined ? "" : `: \`${io.self} key revoke ${id}\` ends it`;
  const still = hadKey ? `; its key still counts${revoke}` : "";
  await io.stderr.write(`${oneLine(`profile ${name} is gone${still}`)}\n`);
  return exit.ok;
}

/** `profiles`: lists them, and shows no credential. */
export async function listProfiles(io: Io): Promise<ExitCode> {
  for (const name of await profileNames(io)) {
    const shown = await readProfile(io, name).then(
      ({ addr }) => `${name}  ${addr}`,
      (error: Error) => `${name}  ${error.message}`,
    );
    await io.stdout.write(`${oneLine(shown)}\n`);
  }
  return exit.ok;
}

function nameOf({ profile }: { readonly profile?: string }, { env, self }: Io): string {
  const name = profile ?? env.TASKRUN_PROFILE?.trim();
  if (name) {
    fileOf({ env }, name);
    return name;
  }
  throw new CliError(exit.usage, "which profile? Name it by --profile NAME, or TASKRUN_PROFILE", [
    `\`${self} profiles\` lists those that exist.`,
  ]);
}

/** From a keyboard without showing it, or else from standard input. */
async function readKey(io: Io): Promise<string> {
  const given = io.onKey ? await askSecret("API key: ", io) : await fromStdin(io);
  const key = given.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  const what =
    key === "" ? "no API key was given" : "what was given is no API key: it has characters that none has";
  throw new CliError(exit.usage, what, [
    "Type or paste it at the prompt, or send it to standard input, for example from a password manager.",
  ]);
}

async function fromStdin(io: Io): Promise<string> {
  try {
    return await io.readStdin(limits.profileBytes);
  } catch (cause) {
    throw new CliError(exit.usage, `standard input: ${(cause as Error).message}`, [], cause);
  }
}

async function authorityIn(ca: string): Promise<string> {
  try {
    return await readFile(ca, "utf8");
  } catch (cause) {
    throw new CliError(exit.usage, `--ca: ${ca} cannot be read: ${(cause as Error).message}`, [], cause);
  }
}

/** @throws {CliError} if the server cannot be reached, or does not take the credential */
async function tryOut(server: Target, io: Io): Promise<void> {
  const { addr } = server;
  let client: ReturnType<typeof createClient>;
  try {
    client = createClient(server);
  } catch (cause) {
    throw new CliError(exit.usage, (cause as Error).message, [], cause);
  }
  try {
    await client.workers.list();
  } catch (thrown) {
    if (!(thrown instanceof TaskRunError)) throw thrown;
    // It is known, and may do something else.
    if (thrown.code === "PERMISSION_DENIED") return;
    const error = fromServer(thrown, addr, io.self);
    const next = [...error.next, "Nothing was kept; --no-check keeps it without asking."];
    throw new CliError(error.code, error.message, next, thrown);
  } finally {
    client.close();
  }
}
