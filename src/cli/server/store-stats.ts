import { isPostgresUrl } from "#domain/postgres-url";
import type { NamespaceFigures } from "#domain/task/figures";
import { figuresOf as postgresFigures } from "#stores/postgres/figures";
import type { StoreFigures } from "#stores/shared/figures";
import { figuresOf as sqliteFigures } from "#stores/sqlite/read/figures";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";
import { type AnyStoreOptions, placeOf, refusedKindly } from "./store-place.js";

/** `store stats`: what the tasks of each namespace take up. */
export async function storeStats(
  options: AnyStoreOptions & { readonly json?: boolean },
  io: Io,
): Promise<ExitCode> {
  const { store, path } = placeOf(options, io);
  const figures = await refusedKindly<StoreFigures>(
    async () => (isPostgresUrl(store) ? postgresFigures(store) : sqliteFigures(path)),
    { not_found: "Choose the data directory with --data DIR, or the database with --store URL." },
  );
  if (options.json) await io.stdout.write(line(figures));
  else {
    await io.stdout.write(table(columns, figures.namespaces, layoutWidth(io.stdout)));
    await io.stderr.write(`${bytesText(figures.bytes)} on the disk in all\n`);
  }
  return exit.ok;
}

const columns: readonly Column<NamespaceFigures>[] = [
  { title: "NAMESPACE", cell: ({ namespace }) => namespace, least: 8 },
  { title: "TASKS", cell: ({ tasks }) => String(tasks) },
  { title: "ENDED", cell: ({ ended }) => String(ended) },
  { title: "STEPS", cell: ({ steps }) => String(steps), optional: true },
  { title: "RUNS", cell: ({ runs }) => String(runs), optional: true },
  { title: "INPUTS", cell: ({ inputBytes }) => bytesText(inputBytes) },
  { title: "RESULTS", cell: ({ resultBytes }) => bytesText(resultBytes) },
  { title: "LOGS", cell: ({ logBytes }) => bytesText(logBytes) },
];

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `0 B`, `12 KiB`, `1.5 GiB`. */
function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1_024 && unit < UNITS.length - 1; unit++) value /= 1_024;
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
