/**
 * Where JSON text is nested deeper than `maxDepth` levels of arrays and objects; undefined if it nowhere is. The
 * depth of broken JSON is unknown, but never larger than counted here: brackets outside strings.
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
