import { type ExitCode, exit } from "../exit.js";
import type { JsonOption } from "../task/task.js";
import type { Io } from "../terminal/io.js";
import { document, line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { logout } from "./login.js";
import { fileOf, type Profile, profileInUse, profileNames, readProfile, useProfile } from "./profiles.js";

/** What is shown of a profile: no credential. */
interface ShownProfile {
  readonly name: string;
  readonly addr: string;
  readonly namespace: string;
  /** What vouches for the server. */
  readonly trust: string;
  /** What is shown to it, without the secret. */
  readonly credential: string;
  readonly inUse: boolean;
  readonly file: string;
  /** Why it cannot be read; empty if it can. */
  readonly problem: string;
}

/** `profile list`: all profiles; the one in use has a star. */
export async function listAll({ json }: JsonOption, io: Io): Promise<ExitCode> {
  const inUse = await profileInUse(io);
  const names = await profileNames(io);
  const shown = await Promise.all(names.map((name) => shownProfile(name, inUse, io)));
  if (json) await io.stdout.write(shown.map(line).join(""));
  else if (shown.length === 0) {
    await io.stderr.write(
      `There is no profile; \`${io.self} login --profile NAME --addr HOST:PORT\` makes one.\n`,
    );
  }
  for (const { name, addr, problem, inUse: isInUse } of json ? [] : shown) {
    await io.stdout.write(`${oneLine(`${isInUse ? "*" : " "} ${name}  ${problem || addr}`)}\n`);
  }
  return exit.ok;
}

/** `profile show`. */
export async function showProfile(name: string, { json }: JsonOption, io: Io): Promise<ExitCode> {
  const profile = await readProfile(io, name);
  const shown = factsOf(name, profile, await profileInUse(io), io);
  if (json) await io.stdout.write(document(shown));
  else {
    const facts = {
      profile: `${name}${shown.inUse ? " (in use)" : ""}`,
      server: shown.addr,
      namespace: shown.namespace || "the server's default",
      trust: shown.trust,
      credential: shown.credential,
      file: shown.file,
    };
    const lines = Object.entries(facts).map(([fact, text]) => oneLine(`${fact.padEnd(10)}  ${text}`));
    await io.stdout.write(lines.map((text) => `${text}\n`).join(""));
  }
  return exit.ok;
}

/** `profile use`: from now on, commands that name no server use this one; without a name none. */
export async function useAsDefault(name: string | undefined, io: Io): Promise<ExitCode> {
  if (name === undefined) {
    await useProfile(io, undefined);
    await io.stderr.write("no profile is in use\n");
    return exit.ok;
  }
  const { addr } = await readProfile(io, name);
  await useProfile(io, name);
  await io.stderr.write(`${oneLine(`commands that name no server use ${name}, at ${addr}`)}\n`);
  return exit.ok;
}

/** `profile remove`: as `logout`. */
export async function forgetProfile(name: string, io: Io): Promise<ExitCode> {
  return logout({ profile: name }, io);
}

async function shownProfile(name: string, inUse: string | undefined, io: Io): Promise<ShownProfile> {
  try {
    return factsOf(name, await readProfile(io, name), inUse, io);
  } catch (error) {
    const nothing = { addr: "", namespace: "", trust: "", credential: "" };
    return { name, ...nothing, inUse: name === inUse, file: "", problem: (error as Error).message };
  }
}

function factsOf(name: string, profile: Profile, inUse: string | undefined, io: Io): ShownProfile {
  const { addr, namespace = "", ca, caPin } = profile;
  const trust = ca
    ? "certificates of an authority"
    : caPin
      ? `pin ${caPin}`
      : "none: plaintext, or public authorities";
  return {
    name,
    addr,
    namespace,
    trust,
    credential: credentialOf(profile),
    inUse: name === inUse,
    file: fileOf(io, name),
    problem: "",
  };
}

/** A key by its id alone. */
function credentialOf({ apiKey, cert }: Profile): string {
  if (apiKey === undefined) return cert === undefined ? "none" : `certificate ${cert}`;
  const id = /^tr_([0-9A-Za-z]+)_/.exec(apiKey)?.[1];
  return id === undefined ? "a key or token" : `API key ${id}`;
}
