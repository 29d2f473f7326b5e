import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { AuthorityState } from "#client/index";
import { Fault } from "#domain/fault";
import { openAuthority, pinOf, readAuthority } from "#host/tls/authority";
import { openIssuing, readIssuing } from "#host/tls/issuing";
import { rotationFiles } from "#host/tls/own-authority";
import { privateFolder, readPrivate } from "#host/tls/private-files";
import type { ConnectionOptions } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { loadConfig } from "../server/settings.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { describe, rotationOf, write } from "./rotate.js";

export interface CaOptions {
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** `ca init`: makes root and issuing authority in the data directory, as a first start with `--tls auto` does. */
export async function initAuthority(options: CaOptions, io: Io): Promise<ExitCode> {
  const folder = folderOf(options, io);
  return explained(async () => {
    await privateFolder(folder);
    await openIssuing(folder, await openAuthority(folder, Date.now()), Date.now);
    return show(folder, options, io);
  });
}

/** `ca status`: what is in the data directory, and what a running server says of its rotation. */
export async function showAuthority(options: CaOptions & ConnectionOptions, io: Io): Promise<ExitCode> {
  return explained(async () => show(folderOf(options, io), options, io, await rotationOf(options, io)));
}

/** `ca export`: the certificate of the root alone; while it is rotated, those of both. */
export async function exportAuthority(options: CaOptions, io: Io): Promise<ExitCode> {
  return explained(async () => {
    const folder = folderOf(options, io);
    const trusted = await readPrivate(join(folder, rotationFiles.bundle));
    await io.stdout.write(`${(trusted ?? (await authorityIn(folder, io)).cert).trim()}\n`);
    return exit.ok;
  });
}

async function show(
  folder: string,
  { json }: CaOptions,
  io: Io,
  rotation?: AuthorityState | string,
): Promise<ExitCode> {
  const { cert } = await authorityIn(folder, io);
  const issuing = await readIssuing(folder);
  const endOf = (pem: string) => new Date(new X509Certificate(pem).validTo).toISOString();
  const facts = {
    folder,
    pin: pinOf(cert),
    endsAt: endOf(cert),
    ...(issuing && { issuing: { slot: issuing.slot, endsAt: endOf(issuing.cert) } }),
    ...(typeof rotation === "object" && { rotation }),
  };
  const lines = [
    `authority in ${folder}, until ${facts.endsAt.slice(0, 10)}`,
    `pin ${facts.pin}`,
    issuing
      ? `workers are signed for by slot ${issuing.slot}, until ${endOf(issuing.cert).slice(0, 10)}; another one is made before that`
      : "nothing signs for workers yet: the next start makes it",
    ...(typeof rotation === "object" ? describe(rotation, io.self) : []),
    ...(typeof rotation === "string" ? [rotation] : []),
  ];
  if (json) await io.stdout.write(line(facts));
  else await write(io, lines);
  return exit.ok;
}

function folderOf({ data, config }: CaOptions, { env, cwd }: Io): string {
  return join(loadConfig({ flags: data === undefined ? {} : { data }, env, cwd, file: config }).data, "tls");
}

async function authorityIn(folder: string, { self }: Io) {
  const there = await readAuthority(folder);
  if (there) return there;
  throw new CliError(exit.failed, `there is no authority in ${folder}`, [
    `\`${self} ca init\` makes one, and so does the first start of a server with --tls auto.`,
  ]);
}

/** What is wrong with a file is for the operator to mend. */
async function explained(work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Fault) throw new CliError(exit.failed, cause.message, [], cause);
    throw cause;
  }
}
