import type { StepAuditEntry } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ago, colorsFor, paintStatus } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, ERROR_LEAST, table } from "../terminal/table.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";

/** `task audit`: prints what has happened to a step, oldest first; without a step, to that of a task that names an agent. */
export async function stepAudit(
  id: string,
  step = "main",
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const entries: StepAuditEntry[] = [];
  let dropped = 0;
  await withClient(io, options, async (client) => {
    const whole = await wholeTaskId(client, id, io);
    let pageToken = "";
    do {
      const page = await client.tasks.stepAudit(whole, step, { pageToken });
      if (options.json) await io.stdout.write(page.entries.map((entry) => line(entry)).join(""));
      else entries.push(...page.entries);
      dropped = page.droppedActions;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  });
  if (options.json) return exit.ok;
  if (entries.length === 0) await io.stderr.write("Nothing has happened to this step yet.\n");
  else await io.stdout.write(auditTable(entries, io));
  if (dropped > 0) await io.stderr.write(`${dropped} older actions by hand are no longer kept.\n`);
  return exit.ok;
}

function auditTable(entries: readonly StepAuditEntry[], io: Io): string {
  const colors = colorsFor(io.stdout, io);
  const columns: Column<StepAuditEntry>[] = [
    { title: "WHEN", cell: ({ atMs }) => ago(atMs, io.now()) },
    { title: "WHAT", cell: ({ kind, run }) => (run ? `attempt ${run.attempt}` : kind) },
    { title: "WHO", cell: ({ actor }) => actor, least: 12 },
    {
      title: "OUTCOME",
      cell: ({ run }) => run?.status ?? "-",
      paint: (text) => paintStatus(colors, text),
    },
    { title: "WHY", cell: whyOf, least: ERROR_LEAST },
  ];
  return table(columns, entries, layoutWidth(io.stdout));
}

/** What an actor has said; of a run how it failed. */
function whyOf({ reason, run }: StepAuditEntry): string {
  return [reason, run?.errorMessage ?? ""].filter((text) => text !== "").join(": ") || "-";
}
