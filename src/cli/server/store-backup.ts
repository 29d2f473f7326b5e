import { resolve } from "node:path";
import { backup } from "#stores/sqlite/backup/backup";
import { restore } from "#stores/sqlite/backup/restore";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { fileOf, type PlaceOptions, progressOn, refusedKindly } from "./store-place.js";

/** `store backup`: writes a backup, and says where. */
export async function backupStore(to: string, options: PlaceOptions, io: Io): Promise<ExitCode> {
  const advice =
    "A PostgreSQL database is backed up by pg_dump, or by a base backup and its archived log: see docs/operating.md.";
  const { path } = fileOf(options, io, advice);
  const { progress, clear } = progressOn(io, "backing up:", options.json);
  const made = await refusedKindly(
    () => backup({ path, to: resolve(io.cwd, to), now: io.now(), progress }).finally(clear),
    {
      STORE_DAMAGED: "`taskrun store verify` says all that is wrong.",
      not_found: "Choose the data directory with --data DIR.",
    },
  );
  if (options.json) await io.stdout.write(line(made));
  else await io.stdout.write(`${oneLine(made.file)}\n`);
  const while_ = made.online ? ", while a server goes on" : "";
  const said = `commit ${made.commits}, ${made.bytes} bytes, checked${while_}; keep the folder tls and the keys of ${path} apart: they are not in it`;
  if (!options.json) await io.stderr.write(`${oneLine(said)}\n`);
  return exit.ok;
}

export interface RestoreStoreOptions extends PlaceOptions {
  readonly replace?: boolean;
}

/** `store restore`: puts a backup back, and begins a new incarnation. */
export async function restoreStore(from: string, options: RestoreStoreOptions, io: Io): Promise<ExitCode> {
  const advice = "Restore a PostgreSQL database with its own tools, then run `taskrun store restored`.";
  const { path, data } = fileOf(options, io, advice);
  const { progress, clear } = progressOn(io, "restoring:", options.json);
  const { replace = false } = options;
  const done = await refusedKindly(
    () => restore({ from: resolve(io.cwd, from), path, replace, progress }).finally(clear),
    { STORE_LOCKED: "Stop that server first." },
  );
  if (options.json) {
    const { facts, incarnation, kept = null } = done;
    await io.stdout.write(line({ path, commits: facts.commits, incarnation, kept }));
    return exit.ok;
  }
  await io.stdout.write(`${oneLine(path)} is as it was at commit ${done.facts.commits}\n`);
  if (done.kept !== undefined)
    await io.stderr.write(`${oneLine(`what was there is kept as ${done.kept}`)}\n`);
  const said =
    `it begins a new incarnation: runs that workers still have from before are refused, and their steps tried anew; keys and ` +
    `certificates that were revoked since the backup are valid again; \`${io.self} server --data ${data}\` starts on it`;
  await io.stderr.write(`${oneLine(said)}\n`);
  return exit.ok;
}
