/**
 * Changes the white space of JSON text, and nothing else: numbers, strings and the order of names stay as they are
 * written. Requires valid JSON or the beginning of it, takes linear time, and uses no recursion.
 */

/** A string, which may be cut off, a sign, or a word, with nothing between. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"?|[[\]{}:,]|[^\s[\]{}:,"]+/g;

/** Removes all white space, so that the text is one line. */
export function compact(json: string): string {
  return /\s/.test(json) ? (json.match(TOKEN) ?? []).join("") : json;
}

/**
 * Puts each element on a line of its own, as `JSON.stringify(value, null, 2)` does.
 *
 * @param margin what every line but the first begins with
 */
export function indented(json: string, margin = ""): string {
  const pieces: string[] = [];
  let depth = 0;
  const newLine = () => pieces.push("\n", margin, "  ".repeat(depth));
  let previous = "";
  for (const token of json.match(TOKEN) ?? []) {
    const closes = token === "]" || token === "}";
    if (closes) depth -= 1;
    // An empty list or object stays as it is.
    if (closes ? !opens(previous) : opens(previous)) newLine();
    pieces.push(token);
    if (token === ",") newLine();
    else if (token === ":") pieces.push(" ");
    else if (opens(token)) depth += 1;
    previous = token;
  }
  return pieces.join("");
}

function opens(token: string): boolean {
  return token === "[" || token === "{";
}
