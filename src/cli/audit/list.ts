import type { AuditEntry } from "#client/index";
import { entryLine } from "#domain/audit/record";
import { escapeJsonControls } from "#domain/text/controls";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ago, colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";

type ListOptions = ConnectionOptions & { readonly json?: boolean; readonly limit?: number };

/** `audit list`: the newest entries, as a table. */
export async function listAudit({ limit = 50, json, ...options }: ListOptions, io: Io): Promise<ExitCode> {
  const entries: AuditEntry[] = [];
  await withClient(io, options, async ({ audit }) => {
    for await (const entry of audit.list({ newestFirst: true })) {
      entries.push(entry);
      if (entries.length >= limit) return;
    }
  });
  await io.stdout.write(json ? entries.map(exportLine).join("") : auditTable(entries, io));
  return exit.ok;
}

/** `audit export`: every entry, in the order in which they are verified. */
export async function exportAudit(options: ConnectionOptions, io: Io): Promise<ExitCode> {
  await withClient(io, options, async ({ audit }) => {
    for await (const entry of audit.list()) await io.stdout.write(exportLine(entry));
  });
  return exit.ok;
}

/** The line of an entry in an export. Control characters are escaped, which `verify` allows for. */
export function exportLine(entry: AuditEntry): string {
  return `${escapeJsonControls(entryLine(entry))}\n`;
}

function auditTable(entries: readonly AuditEntry[], io: Io): string {
  const { red } = colorsFor(io.stdout, io);
  const columns: Column<AuditEntry>[] = [
    { title: "ENTRY", cell: ({ chain, seq }) => `${chain} ${seq}` },
    { title: "WHEN", cell: ({ at }) => ago(at, io.now()) },
    { title: "WHO", cell: ({ actor }) => actor, least: 12 },
    { title: "WHAT", cell: ({ action }) => action, least: 12 },
    { title: "ON", cell: ({ object }) => object, least: 12 },
    {
      title: "RESULT",
      cell: ({ result, count }) => (count > 1 ? `${result} ${count}x` : result),
      paint: (cell, { result }) => (result === "refused" ? red(cell) : cell),
    },
    { title: "DETAIL", cell: ({ detail }) => detail, least: 12, optional: true },
    { title: "NAMESPACE", cell: ({ namespace }) => namespace, least: 9, optional: true },
  ];
  return table(columns, entries, layoutWidth(io.stdout));
}
