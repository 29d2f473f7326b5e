/**
 * Characters that no text from outside may bring to a terminal, except line feeds and tabs where lines are wanted:
 * controls (C0, DEL, C1), which begin every escape sequence; line and paragraph separators; and marks that reorder the
 * text around them, with which a text can look like another.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const everyControl = new RegExp(controls.source, "g");
/** In JSON text line feeds stand only between its parts. */
const controlsInJson = new RegExp(controls.source.replace("\\u0000-", "\\u0000-\\u0009\\u000b-"), "g");

export function isControl(char: string): boolean {
  return controls.test(char);
}

/** Replaces every control character, line feeds included, by its escape in JSON: `\u001b`. */
export function escapeControls(text: string): string {
  return text.replace(everyControl, escaped);
}

/** The same JSON text with every control character in its strings escaped. Line feeds between its parts stay. */
export function escapeJsonControls(json: string): string {
  return json.replace(controlsInJson, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
