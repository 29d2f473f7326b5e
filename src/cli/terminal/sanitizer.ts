import { isControl } from "#domain/text/controls";

/**
 * Removes from a stream of text everything that could control a terminal: escape sequences, control characters other than
 * line feed and tab, and marks that reorder text. Keeps state between chunks, which may split a sequence anywhere.
 */
export class TerminalSanitizer {
  #state: State = "text";

  /** Returns the safe part of a chunk. */
  pass(chunk: string): string {
    let shown = "";
    for (const char of chunk) {
      if (this.#state === "text" || char === "\n") shown += isHarmless(char) ? char : "";
      this.#state = next(this.#state, char);
    }
    return shown;
  }
}

/** Sanitizes a whole text. */
export function sanitize(text: string): string {
  return new TerminalSanitizer().pass(text);
}

/** Sanitizes a whole text and joins its lines. */
export function oneLine(text: string): string {
  return sanitize(text).replace(/[\n\t]+/g, " ");
}

/**
 * `escape` follows ESC; `sequence` is a CSI, ended by its final letter; `string` is an OSC, DCS or the like, ended
 * by BEL or ST. A line feed ends all of them: output that forgets to end a sequence loses one line, not the rest.
 */
type State = "text" | "escape" | "sequence" | "string";

function next(state: State, char: string): State {
  if (char === "\n") return "text";
  if (char === "\u001b") return "escape";
  if (char === "\u009b") return "sequence";
  if ("\u0090\u0098\u009d\u009e\u009f".includes(char)) return "string";
  switch (state) {
    case "text":
      return "text";
    case "escape":
      if (char === "[") return "sequence";
      if ("]PX^_".includes(char)) return "string";
      // Intermediate bytes precede the one that ends a short sequence, such as `ESC ( B`.
      return char >= " " && char <= "/" ? "escape" : "text";
    case "sequence":
      return char >= "@" && char <= "~" ? "text" : "sequence";
    case "string":
      return char === "\u0007" || char === "\u009c" ? "text" : "string";
  }
}

function isHarmless(char: string): boolean {
  return char === "\n" || char === "\t" || !isControl(char);
}
