/**
 * A page with the text between the marks of a generated part replaced. The rest is written by hand.
 *
 * @throws if the page has no such part
 */
export function refilled(page: string, name: string, text: string): string {
  const begin = `<!-- begin ${name}: written by \`npm run docs\` -->\n`;
  const end = `<!-- end ${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page lacks the marks of "${name}"`);
  return `${page.slice(0, from + begin.length)}\n${text.trim()}\n\n${page.slice(to)}`;
}

/** A Markdown table. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), `|${heads.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

export const code = (text: string): string => `\`${text}\``;
