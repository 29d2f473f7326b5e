/**
 * The index where JSON text is first nested deeper than `maxDepth` arrays and objects; undefined if it never is. Counts
 * brackets outside strings; a parser of malformed JSON never goes deeper than that.
 */
export function tooDeepAt(text: string, maxDepth: number): number | undefined {
  // A level costs two characters, and the text may end before the closing ones.
  if (text.length <= maxDepth) return undefined;

  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) inString = false;
    } else if (c === QUOTE) inString = true;
    else if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      if (++depth > maxDepth) return i;
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) depth--;
  }
  return undefined;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
