import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { readWhole } from "#api/templates/template-source";
import type { TaskRunClient } from "#client/index";
import type { TemplateBody } from "#domain/template/template";
import { jsonSchemas } from "#host/schemas";
import type { Schemas } from "#ports/schemas";
import { drawTemplate } from "#templates/draw/draw";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { JsonOption } from "../task/task.js";
import { colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, line } from "../terminal/json.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { findingLine } from "./findings.js";
import { nameOf, readTemplateName } from "./name.js";
import { readSource, readSources } from "./source.js";

/** `template validate`: prints the findings of each file, without a server. The exit code is 1 if any is invalid. */
export async function validateTemplates(
  files: readonly string[],
  { json }: JsonOption,
  io: Io,
): Promise<ExitCode> {
  const schemas = jsonSchemas();
  try {
    return await validateWith(schemas, files, json, io);
  } finally {
    await schemas.close();
  }
}

async function validateWith(
  schemas: Schemas,
  files: readonly string[],
  json: boolean | undefined,
  io: Io,
): Promise<ExitCode> {
  const colors = colorsFor(io.stdout, io);
  let code: ExitCode = exit.ok;
  for (const { file, text } of await readSources(files, io)) {
    const { template, findings, stepCount, hasCycles } = await readWhole(text, schemas);
    const valid = template !== undefined;
    if (!valid) code = exit.failed;
    if (json) {
      await io.stdout.write(line({ file, valid, stepCount, hasCycles, findings }));
      continue;
    }
    const verdict =
      template && `${oneLine(`${file}: ${nameOf(refOf(template.body))}`)} is valid, ${steps(stepCount)}\n`;
    await io.stdout.write(findings.map((each) => findingLine(file, each, colors)).join("") + (verdict ?? ""));
  }
  return code;
}

/** `template visualize`: prints a file, standard input or a registered template as a Mermaid flowchart. */
export async function visualizeTemplate(
  given: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const body = isFile(given, io)
    ? await bodyOfFile(given, io)
    : await withClient(io, options, (client) => bodyOfRegistered(client, given));
  if (!body) return exit.failed;

  const mermaid = drawTemplate(body);
  await io.stdout.write(options.json ? document({ ...refOf(body), mermaid }) : sanitize(mermaid));
  return exit.ok;
}

/** Extensions that distinguish a file from a template's name. */
const extensions: readonly string[] = [".yaml", ".yml", ".json"];

function isFile(given: string, { cwd }: Io): boolean {
  return given === "-" || extensions.includes(extname(given)) || existsSync(resolve(cwd, given));
}

async function bodyOfFile(given: string, io: Io): Promise<TemplateBody | undefined> {
  const { file, text } = await readSource(given, io);
  const schemas = jsonSchemas();
  const { template, findings } = await readWhole(text, schemas).finally(() => schemas.close());
  const errors = template ? [] : findings.filter(({ severity }) => severity === "error");
  const colors = colorsFor(io.stderr, io);
  await io.stderr.write(errors.map((each) => findingLine(file, each, colors)).join(""));
  return template?.body;
}

async function bodyOfRegistered(client: TaskRunClient, given: string): Promise<TemplateBody> {
  const { bodyJson } = await client.templates.get(readTemplateName(given, "TEMPLATE"));
  return JSON.parse(bodyJson);
}

function refOf({ namespace_name: namespace, name, version }: TemplateBody) {
  return { namespace, name, version };
}

function steps(count: number): string {
  return count === 1 ? "1 step" : `${count} steps`;
}
