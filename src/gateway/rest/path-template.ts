/**
 * A path as `google.api.HttpRule` writes it: literal segments; `*` for one segment and `**` for the rest; variables, which are
 * named after the field that they set, as `{id}`, `{task_id=*}` or `{name=**}`; and a verb at the end, as in `/v1/tasks/{id}:retry`.
 */
export interface PathTemplate {
  /** The names of its variables, in their order. */
  readonly variables: readonly string[];
  /**
   * The decoded values of the variables in a path, by name; undefined if it does not match, or has an invalid escape. A variable of
   * several segments keeps the escapes of its slashes, so that it can be taken apart.
   */
  match(path: string): Readonly<Record<string, string>> | undefined;
}

interface Variable {
  readonly name: string;
  /** True if it spans several segments. */
  readonly isLong: boolean;
}

/** A variable, a wildcard, or the text between them. */
const PIECE = /\{(?<name>[\w.]+)(?:=(?<pattern>[^}]+))?\}|(?<wildcard>\*\*?)|(?<text>[^{*]+)/gy;

/** @throws {Error} if it is no template: they are part of the program */
export function pathTemplate(template: string): PathTemplate {
  const variables: Variable[] = [];
  let source = "";
  let end = 0;
  for (const { 0: piece, groups = {} } of template.matchAll(PIECE)) {
    const { name, pattern = "*", wildcard, text } = groups;
    end += piece.length;
    if (text !== undefined) source += literal(text);
    if (wildcard !== undefined) source += segments(wildcard);
    if (name === undefined) continue;
    source += `(${segments(pattern)})`;
    variables.push({ name, isLong: pattern !== "*" });
  }
  if (!template.startsWith("/") || end !== template.length) throw new Error(`no path template: ${template}`);
  const names = variables.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new Error(`a variable stands twice: ${template}`);
  const whole = new RegExp(`^${source}$`);
  return { variables: names, match: (path) => valuesOf(variables, whole.exec(path)) };
}

/** The expression of a variable's own template, such as `tasks/*`. */
function segments(pattern: string): string {
  return pattern
    .split(/(\*\*?)/)
    .map((piece) => (piece === "**" ? ".+" : piece === "*" ? "[^/]+" : literal(piece)))
    .join("");
}

function literal(text: string): string {
  return text.replace(/[.*+?^$(){}|[\]\\]/g, "\\$&");
}

function valuesOf(
  variables: readonly Variable[],
  match: RegExpExecArray | null,
): Readonly<Record<string, string>> | undefined {
  if (!match) return undefined;
  try {
    return Object.fromEntries(
      variables.map(({ name, isLong }, i) => [name, decoded(match[i + 1] ?? "", isLong)]),
    );
  } catch {
    return undefined;
  }
}

/** @throws {URIError} if it has an invalid escape */
function decoded(text: string, isLong: boolean): string {
  if (!isLong) return decodeURIComponent(text);
  return text
    .split(/(%2f)/i)
    .map((part, i) => (i % 2 === 0 ? decodeURIComponent(part) : part))
    .join("");
}
