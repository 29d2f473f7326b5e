import { format } from "#templates/format/format";
import type { Field, Fields, Shape } from "#templates/format/shape";

/** The objects of the format, by the headings that the guide has for them. */
export function formatTables(): ReadonlyMap<string, Fields> {
  const { fields } = format;
  const step = inside(fields.steps);
  const environment = fields.environments?.shape;
  const override = inside(environment?.kind === "named" ? inner(environment.of)?.steps : undefined);
  const child = inside(step.child);
  return new Map([
    ["The template", fields],
    ["A step", step],
    ["`handler`", inside(step.handler)],
    ["`retry`", inside(step.retry)],
    ["`map`", inside(step.map)],
    ["`batch_config`", inside(step.batch_config)],
    ["`child`", child],
    ["`child.template`", inside(child.template)],
    ["`timer`", inside(step.timer)],
    ["`signal`", inside(step.signal)],
    ["Overrides", override],
    ["`lifecycle`", inside(fields.lifecycle)],
    ["`metadata`", inside(fields.metadata)],
    ["`system_dependencies`", inside(fields.system_dependencies)],
    ["`domain_events`", inside(fields.domain_events)],
    ["`publishes_events`", inside(step.publishes_events)],
  ]);
}

/** Where the fields of a table stand; those of the others have no effect. */
const places: Readonly<Record<string, string>> = {
  "The template": "",
  "A step": "steps.",
  "`handler`": "steps.handler.",
  "`lifecycle`": "lifecycle.",
};

/** The rows of the table of all fields without effect: field, what it takes, why it has none. */
export function withoutEffect(): string[] {
  return [...formatTables()].flatMap(([heading, fields]) =>
    Object.entries(fields)
      .filter(([, field]) => isIdle(field))
      .map(([name, { shape, says }]) => {
        const why = says.replace(/^No effect(?: yet)?: /, "");
        return `| \`${places[heading]}${name}\` | ${rangeOf(shape)} | ${why} |`;
      }),
  );
}

function isIdle({ says }: Field): boolean {
  return says.startsWith("No effect");
}

/** The rows of one table: field, what it takes, default, meaning. */
export function tableOf(fields: Fields): string[] {
  const effective = Object.entries(fields).filter(([, field]) => !isIdle(field));
  return effective.map(([name, field]) => {
    const other = field.alias === undefined ? "" : ` Also written \`${field.alias}\`.`;
    return `| \`${name}\` | ${rangeOf(field.shape)} | ${defaultOf(field)} | ${field.says}${other} |`;
  });
}

function defaultOf({ required, default: value }: Field): string {
  if (required) return "required";
  return value === undefined ? "" : `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function inside(field: Field | undefined): Fields {
  return (field && inner(field.shape)) ?? {};
}

/** Of a record, or of the records of a list. */
function inner(shape: Shape): Fields | undefined {
  if (shape.kind === "list") return inner(shape.of);
  return shape.kind === "record" ? shape.fields : undefined;
}

const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, " ");

/** What a value may be, in a few words: `whole number, 1 to 100`. */
function rangeOf(shape: Shape): string {
  switch (shape.kind) {
    case "text":
      return `text, at most ${grouped(shape.max)} characters`;
    case "number":
      return `${shape.whole ? "whole number" : "number"}, ${grouped(shape.min)} to ${grouped(shape.max)}`;
    case "flag":
      return "true or false";
    case "choice":
      return shape.of.map((word) => `\`${word}\``).join(", ");
    case "any":
      return "anything JSON can say";
    case "object":
    case "record":
      return "object";
    case "schema":
      return "JSON Schema";
    case "list":
      return shape.of.kind === "record" ? "list of objects" : "list of texts";
    case "named":
      return shape.of.kind === "any" ? "object" : "object of objects";
  }
}
