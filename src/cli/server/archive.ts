import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { Fault } from "#domain/fault";
import { isPostgresUrl } from "#domain/postgres-url";
import { type ExportCount, type ExportFilter, exportTasks } from "#host/archive/export";
import { writeWhole } from "#host/archive/file";
import { type ImportCount, importLines, newCount } from "#host/archive/import";
import { readLines } from "#host/archive/read";
import type { Reads } from "#ports/store-reads";
import { postgresStore } from "#stores/postgres/index";
import { sqliteStore } from "#stores/sqlite/index";
import { openToRead } from "#stores/sqlite/read/read-only";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { type AnyStoreOptions, placeOf, refusedKindly } from "./store-place.js";

export interface ExportOptions extends AnyStoreOptions {
  readonly namespace?: readonly string[];
  readonly status?: NonNullable<ExportFilter["status"]>;
  readonly finishedBefore?: number;
  readonly out?: string;
}

/** `export`: writes ended Tasks to a file or to stdout. What it did goes to stderr. */
export async function exportStore(options: ExportOptions, io: Io): Promise<ExitCode> {
  const { namespace, status, finishedBefore, out } = options;
  const filter: ExportFilter = {
    namespaces: namespace ?? "*",
    ...(status && { status }),
    ...(finishedBefore !== undefined && { finishedBefore }),
  };
  const count: ExportCount = { tasks: 0, held: 0 };
  await refusedKindly(
    async () => {
      const { reads, close } = await sourceOf(options, io);
      try {
        const lines = exportTasks(reads, filter, io.now(), count);
        if (out !== undefined) await writeWhole(resolve(io.cwd, out), lines);
        else for await (const text of lines) await io.stdout.write(text);
      } finally {
        await close();
      }
    },
    { not_found: "Choose the data directory with --data DIR." },
  );
  const held = count.held > 0 ? `; left out: ${count.held} that a worker still has a run of` : "";
  await io.stderr.write(`${count.tasks} ended ${count.tasks === 1 ? "task" : "tasks"} exported${held}\n`);
  return exit.ok;
}

/** `import`: reads files into a store that no server uses. The exit code is 1 if a Task was refused. */
export async function importFiles(
  files: readonly string[],
  options: AnyStoreOptions & { readonly json?: boolean },
  io: Io,
): Promise<ExitCode> {
  const count = newCount();
  await refusedKindly(
    async () => {
      const store = targetOf(options, io);
      try {
        const { at } = await store.boot();
        for (const file of files) {
          const content = createReadStream(resolve(io.cwd, file));
          await importLines(file, readLines(file, content), { store, at, uuid: randomUUID }, count);
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT")
          throw new Fault("not_found", (error as Error).message, { cause: error });
        throw error;
      } finally {
        await store.close();
        await tell(count, options.json === true, io);
      }
    },
    {
      STORE_LOCKED: "Stop that server first; `taskrun export` needs no stop.",
      EXPORT_DAMAGED:
        "What stands before that line is imported; the same command goes on from there with a whole file.",
    },
  );
  return count.refused.length > 0 ? exit.failed : exit.ok;
}

async function tell(count: ImportCount, json: boolean, io: Io): Promise<void> {
  if (json) return io.stdout.write(line(count));
  for (const { id, why } of count.refused)
    await io.stderr.write(`${oneLine(`task ${id} is refused: ${why}`)}\n`);
  const { imported, skipped, withoutKey, refused } = count;
  const keys = withoutKey > 0 ? ` (${withoutKey} without their idempotency key, which another task has)` : "";
  await io.stdout.write(`${imported} imported${keys}, ${skipped} there already, ${refused.length} refused\n`);
}

interface Source {
  readonly reads: Reads;
  close(): Promise<void>;
}

async function sourceOf(options: AnyStoreOptions, io: Io): Promise<Source> {
  const { store, path } = placeOf(options, io);
  if (!isPostgresUrl(store)) return openToRead(path);
  const opened = postgresStore({ url: store, shared: true });
  await opened.open?.();
  return opened;
}

function targetOf(options: AnyStoreOptions, io: Io) {
  const { store, path } = placeOf(options, io);
  return isPostgresUrl(store) ? postgresStore({ url: store }) : sqliteStore({ path, remember: false });
}
