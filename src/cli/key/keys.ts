import type { Key, NewKey } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ago, duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";

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
  await io.stdout.write(json ? line({ ...key, text }) : `${oneLine(text)}\n`);
  if (!json) await io.stderr.write(`${oneLine(describe(key))}; it is not shown again\n`);
  return exit.ok;
}

export async function listKeys(options: Options, io: Io): Promise<ExitCode> {
  const keys = await withClient(io, options, (client) => client.keys.list());
  await io.stdout.write(options.json ? keys.map(line).join("") : keyTable(keys, io));
  return exit.ok;
}

function keyTable(keys: readonly Key[], io: Io): string {
  const now = io.now();
  const columns: Column<Key>[] = [
    { title: "KEY", cell: ({ id }) => id },
    { title: "ROLE", cell: ({ role }) => role },
    { title: "NAMESPACES", cell: ({ namespaces }) => namespaces.join(","), least: 10 },
    { title: "ENDS", cell: (key) => ending(key, now) },
    { title: "USED", cell: ({ lastUsedAt }) => (lastUsedAt === 0 ? "never" : ago(lastUsedAt, now)) },
    { title: "MADE BY", cell: ({ createdBy }) => createdBy, least: 8, optional: true },
    { title: "NAME", cell: ({ name }) => name, least: 8 },
  ];
  return table(columns, keys, layoutWidth(io.stdout));
}

/** How long the key lasts, or since when it does no longer. */
function ending({ expiresAt, revokedAt }: Key, now: number): string {
  if (revokedAt > 0) return `revoked ${ago(revokedAt, now)}`;
  return now < expiresAt ? `in ${duration(expiresAt - now)}` : `expired ${ago(expiresAt, now)}`;
}

export async function revokeKey(id: string, options: ConnectionOptions, io: Io): Promise<ExitCode> {
  const key = await withClient(io, options, ({ keys }) => keys.revoke(id));
  await io.stdout.write(`${oneLine(describe(key))}\n`);
  return exit.ok;
}

function describe(key: Key): string {
  const { id, name, role, namespaces, expiresAt, revokedAt, lastUsedAt, roleUnknown } = key;
  const day = (at: number) => new Date(at).toISOString().slice(0, 16).replace("T", " ");
  const ends = revokedAt > 0 ? `revoked ${day(revokedAt)}` : `until ${day(expiresAt)}`;
  const used = lastUsedAt > 0 ? `used ${day(lastUsedAt)}` : "never used";
  const as = roleUnknown ? `${role} (refused: the server has no such role)` : role;
  return `${id}  ${as}  ${namespaces.join(",")}  ${ends}  ${used}  ${name}`;
}
