import { type Finding, type TaskRunClient, TaskRunError, type Template } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { JsonOption } from "../task/task.js";
import { colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { findingLine } from "./findings.js";
import { nameOf } from "./name.js";
import { readSources, type SourceText } from "./source.js";

/** The outcome of one file. */
type Applied =
  | {
      readonly outcome: "created" | "unchanged";
      readonly template: Template;
      readonly findings: readonly Finding[];
    }
  | { readonly outcome: "refused"; readonly error: TaskRunError; readonly findings: readonly Finding[] };

/**
 * `template apply`: registers each file. A file is refused if it has errors or its version is registered with another
 * body; the others are registered all the same, and the exit code is 1.
 */
export async function applyTemplates(
  files: readonly string[],
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const sources = await readSources(files, io);
  let code: ExitCode = exit.ok;

  await withClient(io, options, async (client) => {
    for (const source of sources) {
      const applied = await apply(client, source);
      if (applied.outcome === "refused") code = exit.failed;
      if (options.json) await io.stdout.write(line({ file: source.file, ...inJson(applied) }));
      else await tell(source, applied, io);
    }
  });
  return code;
}

async function apply(client: TaskRunClient, { text }: SourceText): Promise<Applied> {
  try {
    const { template, created, findings } = await client.templates.register(text);
    return { outcome: created ? "created" : "unchanged", template, findings };
  } catch (error) {
    if (!(error instanceof TaskRunError)) throw error;
    if (error.code === "ALREADY_EXISTS") return { outcome: "refused", error, findings: [] };
    if (error.code !== "INVALID_ARGUMENT") throw error;
    // The refusal names the first error only.
    const { findings } = await client.templates.validate(text);
    return { outcome: "refused", error, findings };
  }
}

function inJson(applied: Applied): object {
  const { outcome, findings } = applied;
  if (applied.outcome !== "refused") {
    const { namespace, name, version, stepCount, digest, registeredAtMs } = applied.template;
    return { outcome, namespace, name, version, stepCount, digest, registeredAtMs, findings };
  }
  const { code, reason, message } = applied.error;
  return { outcome, error: { code, reason, message }, findings };
}

/** Prints the registered template to stdout, problems to stderr. */
async function tell({ file }: SourceText, applied: Applied, io: Io): Promise<void> {
  const colors = colorsFor(io.stderr, io);
  const refused = applied.outcome === "refused";
  const worth = applied.findings.filter(({ severity }) => severity === (refused ? "error" : "warning"));
  if (refused && worth.length === 0) {
    await io.stderr.write(`${oneLine(file)}: ${colors.red("refused")}: ${oneLine(applied.error.message)}\n`);
  }
  await io.stderr.write(worth.map((each) => findingLine(file, each, colors)).join(""));
  if (!refused) {
    const what = applied.outcome === "created" ? "created" : "unchanged";
    await io.stdout.write(`${oneLine(nameOf(applied.template))} ${what}\n`);
  }
}
