import type { Template, TemplateFilter } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { JsonOption } from "../task/task.js";
import { ago } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, line } from "../terminal/json.js";
import { JsonText } from "../terminal/json-text.js";
import { sanitize } from "../terminal/sanitizer.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";
import { readTemplateName } from "./name.js";

/** `template get`: prints the registered text, or with `--json` the whole template. */
export async function getTemplate(
  name: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const named = readTemplateName(name, "NAME");
  const template = await withClient(io, options, (client) => client.templates.get(named));
  const { bodyJson, ...rest } = template;
  const text = rest.source.endsWith("\n") ? rest.source : `${rest.source}\n`;
  if (options.json) await io.stdout.write(document({ ...rest, body: new JsonText(bodyJson) }));
  else await io.stdout.write(io.stdout.isTTY ? sanitize(text) : text);
  return exit.ok;
}

export interface TemplateListOptions extends ConnectionOptions, JsonOption {
  readonly name?: string;
  readonly limit: number;
}

/** `template list`: prints at most `limit` templates by namespace and name, the newest version first. */
export async function listTemplates(options: TemplateListOptions, io: Io): Promise<ExitCode> {
  const { name, limit, json } = options;
  const filter: TemplateFilter = { ...(name !== undefined && { name }), pageSize: Math.min(limit, 1_000) };

  const templates: Template[] = [];
  await withClient(io, options, async (client) => {
    let left = limit;
    for await (const template of client.templates.list(filter)) {
      if (json) await io.stdout.write(line(template));
      else templates.push(template);
      left -= 1;
      if (left === 0) break;
    }
  });
  if (!json) await show(templates, io);
  return exit.ok;
}

async function show(templates: readonly Template[], io: Io): Promise<void> {
  const hint = `There are no matching templates; \`${io.self} template apply FILE\` registers one.\n`;
  if (templates.length === 0) return io.stderr.write(hint);
  const now = io.now();
  const columns: Column<Template>[] = [
    { title: "TEMPLATE", cell: ({ namespace, name }) => `${namespace}/${name}` },
    { title: "VERSION", cell: ({ version }) => version },
    { title: "STEPS", cell: ({ stepCount }) => String(stepCount) },
    { title: "REGISTERED", cell: ({ registeredAtMs }) => ago(registeredAtMs, now), optional: true },
    { title: "DESCRIPTION", cell: ({ description }) => description, least: 20 },
  ];
  await io.stdout.write(table(columns, templates, layoutWidth(io.stdout)));
}
