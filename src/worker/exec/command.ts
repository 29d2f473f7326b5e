/**
 * Splits a command line into words by the quoting rules of a POSIX shell, without expansions or operators. White space
 * separates words; `'…'` is literal; in `"…"` a backslash escapes `"`, `\`, `$`, `` ` `` and a newline; outside quotes
 * it escapes any character.
 *
 * @throws {SyntaxError} if a quote is not closed, the text ends in a backslash, or there is no word
 *
 * @example
 * ```ts
 * import { execAgent, splitCommand } from "taskrun/worker";
 *
 * const wordCount = execAgent({ name: "wc", command: splitCommand("wc -w") });
 * ```
 */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;

  while (at < text.length) {
    const char = text.charAt(at);
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
    } else if (char === "'" || char === '"') {
      const quoted = char === "'" ? singleQuoted(text, at) : doubleQuoted(text, at);
      word = (word ?? "") + quoted.content;
      at = quoted.end;
    } else if (char === "\\") {
      if (at + 1 >= text.length) throw new SyntaxError(`command ends in a backslash: ${text}`);
      const next = text.charAt(at + 1);
      if (next !== "\n") word = (word ?? "") + next;
      at += 2;
    } else {
      word = (word ?? "") + char;
      at += 1;
    }
  }

  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new SyntaxError("command is empty: name a program");
  return words;
}

interface Quoted {
  readonly content: string;
  /** Index after the closing quote. */
  readonly end: number;
}

function singleQuoted(text: string, start: number): Quoted {
  const end = text.indexOf("'", start + 1);
  if (end < 0) throw unclosed(text, start);
  return { content: text.slice(start + 1, end), end: end + 1 };
}

function doubleQuoted(text: string, start: number): Quoted {
  let content = "";
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"') return { content, end: at + 1 };
    const next = text.charAt(at + 1);
    if (char !== "\\" || !'"\\$`\n'.includes(next) || next === "") {
      content += char;
      continue;
    }
    if (next !== "\n") content += next;
    at += 1;
  }
  throw unclosed(text, start);
}

function unclosed(text: string, start: number): SyntaxError {
  return new SyntaxError(`quote ${text.charAt(start)} at character ${start + 1} is not closed: ${text}`);
}
