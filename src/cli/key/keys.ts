import type { Key, NewKey } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";

type Options = ConnectionOptions & { readonly json?: boolean };

export interface CreateOptions extends Options {
  readonly role: string;
  readonly name?: string;
  readonly namespaces?: readonly string[];
  /** Milliseconds. */
  readonly ttl?: number;
}

/** `key create`: the key alone is on stdout, so that a script can take it. */
export async function createKey(options: CreateOptions, io: Io): Promise<ExitCode> {
  const { role, name = role, namespaces = [], ttl } = options;
  const wanted = { role, name, namespaces, ...(ttl !== undefined && { ttlMs: ttl }) };
  return show(await withClient(io, options, ({ keys }) => keys.create(wanted)), options, io);
}

export async function rotateKey(
  id: string,
  options: Options & { readonly overlap?: number },
  io: Io,
): Promise<ExitCode> {
  const { overlap: overlapMs } = options;
  const made = await withClient(io, options, ({ keys }) =>
    keys.rotate(id, overlapMs === undefined ? {} : { overlapMs }),
  );
  return show(made, options, io);
}

async function show({ key, text }: NewKey, { json }: Options, io: Io): Promise<ExitCode> {
  await io.stdout.write(json ? line({ ...key, text }) : `${text}\n`);
  if (!json) await io.stderr.write(`${oneLine(describe(key))}; it is not shown again\n`);
  return exit.ok;
}

export async function listKeys(options: Options, io: Io): Promise<ExitCode> {
  const keys = await withClient(io, options, (client) => client.keys.list());
  for (const key of keys) await io.stdout.write(options.json ? line(key) : `${oneLine(describe(key))}\n`);
  return exit.ok;
}

export async function revokeKey(id: string, options: ConnectionOptions, io: Io): Promise<ExitCode> {
  const key = await withClient(io, options, ({ keys }) => keys.revoke(id));
  await io.stdout.write(`${oneLine(describe(key))}\n`);
  return exit.ok;
}

function describe({ id, name, role, namespaces, expiresAt, revokedAt, lastUsedAt }: Key): string {
  const day = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ");
  const ends = revokedAt > 0 ? `revoked ${day(revokedAt)}` : `until ${day(expiresAt)}`;
  const used = lastUsedAt > 0 ? `used ${day(lastUsedAt)}` : "never used";
  return `${id}  ${role}  ${namespaces.join(",")}  ${ends}  ${used}  ${name}`;
}
