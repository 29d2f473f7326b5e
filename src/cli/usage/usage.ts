import type { Usage, UsageKey, UsageSum, UsageTotals } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { JsonOption } from "../task/task.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";
import { dollars, tokens } from "./format.js";

export interface UsageOptions extends ConnectionOptions, JsonOption {
  readonly by?: readonly UsageKey[];
  /** Unix milliseconds. */
  readonly from?: number;
  readonly until?: number;
  readonly agent?: string;
  readonly model?: string;
}

const ALL: readonly UsageKey[] = ["day", "namespace", "agent", "model"];

/** `usage`: sums as a table, with their total below; as JSON a line for each sum. */
export async function showUsage(options: UsageOptions, io: Io): Promise<ExitCode> {
  const { by = ALL, from, until, agent, model, namespace, json } = options;
  const query = {
    by,
    ...(from !== undefined && { fromMs: from }),
    ...(until !== undefined && { untilMs: until }),
    ...(agent !== undefined && { agent }),
    ...(model !== undefined && { model }),
    ...(namespace !== undefined && { namespace }),
  };
  const found = await withClient(io, options, (client) => client.usage.get(query));
  if (json) await io.stdout.write(found.sums.map(line).join(""));
  else if (found.sums.length === 0) await io.stderr.write("Nothing was used.\n");
  else await io.stdout.write(usageTable(found, by, layoutWidth(io.stdout)));
  return exit.ok;
}

function usageTable(
  { sums, total }: UsageTotals,
  by: readonly UsageKey[],
  width: number | undefined,
): string {
  const rows: readonly Row[] = [...sums.map(rowOf), ...(sums.length > 1 ? [totalRow(total)] : [])];
  const names = nameColumns.filter(({ key }, i) => by.includes(key) || i === firstOf(by));
  const costs = total.unpricedTokens > 0 ? numberColumns : numberColumns.slice(0, -1);
  return table([...names.map(({ column }) => column), ...costs], rows, width);
}

/** The column that says "total". */
function firstOf(by: readonly UsageKey[]): number {
  return nameColumns.findIndex(({ key }) => by.includes(key));
}

interface Row extends Record<UsageKey, string> {
  readonly usage: Usage;
}

function rowOf({ dayMs, namespace, agent, model, usage }: UsageSum): Row {
  return { day: new Date(dayMs).toISOString().slice(0, 10), namespace, agent, model: model || "-", usage };
}

function totalRow(usage: Usage): Row {
  return { day: "total", namespace: "total", agent: "total", model: "total", usage };
}

const nameColumns = ALL.map((key): { readonly key: UsageKey; readonly column: Column<Row> } => ({
  key,
  column: { title: key.toUpperCase(), cell: (row) => row[key], least: 10 },
}));

const numberColumns: readonly Column<Row>[] = [
  { title: "INPUT", cell: ({ usage }) => tokens(usage.inputTokens) },
  { title: "CACHED", cell: ({ usage }) => tokens(usage.cachedTokens), optional: true },
  { title: "OUTPUT", cell: ({ usage }) => tokens(usage.outputTokens) },
  { title: "TOOLS", cell: ({ usage }) => tokens(usage.toolCalls), optional: true },
  { title: "COST", cell: ({ usage }) => dollars(usage.usdMicros) },
  { title: "UNPRICED", cell: ({ usage }) => tokens(usage.unpricedTokens) },
];
