import type { JournalRecord, TaskRunClient } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ago, colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, ERROR_LEAST, table } from "../terminal/table.js";
import { kindWord, waitText } from "./journal-lines.js";
import { wholeTaskId } from "./short-id.js";
import type { JsonOption } from "./task.js";

/** An entry of a journal: what it is, and what it has come to. */
type Entry = Omit<JournalRecord, "resultJson"> & { readonly outcome: string };

interface Journal {
  /** In the order in which they were begun. */
  readonly entries: readonly Entry[];
  readonly inDoubt: ReadonlySet<number>;
}

/** `task steps ID STEP`: prints what the step's agent has journaled, an entry a line; with `--json` every record. */
export async function showJournal(
  id: string,
  step: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  await withClient(io, options, async (client) => {
    const whole = await wholeTaskId(client, id, io);
    if (options.json) {
      for await (const record of client.tasks.journal(whole, step)) await io.stdout.write(line(record));
      return;
    }
    const { entries, inDoubt } = await journalOf(client, whole, step);
    if (entries.length === 0) return io.stderr.write("The agent of this step has journaled nothing.\n");
    await io.stdout.write(journalTable(entries, inDoubt, io));
    if (inDoubt.size > 0) {
      const resolve = `${io.self} task resolve ${whole} ${step} --journal-entry ${[...inDoubt][0]}`;
      await io.stderr.write(`What is in doubt may have been done: see, then \`${resolve} --result JSON\`, `);
      await io.stderr.write("`--done`, or `--retry` if it was not.\n");
    }
  });
  return exit.ok;
}

async function journalOf({ tasks }: TaskRunClient, id: string, step: string): Promise<Journal> {
  const entries = new Map<number, Entry>();
  let inDoubt: readonly number[] = [];
  let pageToken = "";
  do {
    const page = await tasks.journalPage(id, step, { pageToken });
    for (const record of page.records) entries.set(record.entry, entryOf(record, entries.get(record.entry)));
    inDoubt = page.inDoubt;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return { entries: [...entries.values()], inDoubt: new Set(inDoubt) };
}

/** An entry after one more record; results are cut, as a table has no room for them. */
function entryOf({ resultJson, ...record }: JournalRecord, before?: Entry): Entry {
  const shown =
    resultJson.length > limits.shownOutputChars
      ? `${resultJson.slice(0, limits.shownOutputChars)}…`
      : resultJson;
  return {
    ...record,
    childTaskId: record.childTaskId || before?.childTaskId || "",
    outcome: shown || record.errorMessage,
  };
}

function journalTable(entries: readonly Entry[], inDoubt: ReadonlySet<number>, io: Io): string {
  const colors = colorsFor(io.stdout, io);
  const stateOf = ({ entry, state }: Entry) => (inDoubt.has(entry) ? "IN DOUBT" : state);
  const columns: Column<Entry>[] = [
    { title: "ENTRY", cell: ({ entry }) => String(entry) },
    { title: "NAME", cell: (entry) => `${kindWord(entry)}${entry.name}`, least: 12 },
    { title: "NO", cell: ({ occurrence }) => String(occurrence), optional: true },
    { title: "EFFECT", cell: ({ effect }) => effect.toLowerCase(), optional: true },
    {
      title: "STATE",
      cell: stateOf,
      paint: (text, entry) => (stateOf(entry) === "IN DOUBT" ? colors.red(text) : text),
    },
    {
      title: "RESULT",
      cell: resultText,
      least: ERROR_LEAST,
    },
    { title: "WHEN", cell: ({ atMs }) => ago(atMs, io.now()), optional: true },
  ];
  return table(columns, entries, layoutWidth(io.stdout));
}

function resultText({ outcome, ...entry }: Entry): string {
  const wait = waitText(entry).replace(/^, /, "");
  return [outcome, wait].filter((text) => text !== "").join("; ") || "-";
}
