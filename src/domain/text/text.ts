/**
 * Length of the text in bytes of UTF-8, as encoders write it: an unpaired surrogate is written as U+FFFD, which takes
 * three bytes. Counted here because the domain has no encoder.
 */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit <= 0x7f) continue;
    if (unit <= 0x7ff) bytes += 1;
    else {
      bytes += 2; // also right for a pair: two units, four bytes
      if (isHigh(unit) && isLow(text.charCodeAt(at + 1))) at += 1;
    }
  }
  return bytes;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/**
 * Splits the text into pieces of at most `bytesMax` bytes of UTF-8, between code points. Joined, they are the text.
 * Empty text gives no piece.
 *
 * @param bytesMax at least 4, so that every code point fits
 */
export function splitText(text: string, bytesMax: number): string[] {
  if (text === "") return [];
  // A UTF-16 unit takes at most three bytes, so that most texts fit without being measured.
  if (text.length * 3 <= bytesMax || utf8Bytes(text) <= bytesMax) return [text];

  const pieces: string[] = [];
  let start = 0;
  let bytes = 0;
  for (let at = 0; at < text.length; ) {
    const point = text.codePointAt(at) ?? 0;
    const width = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
    if (bytes + width > bytesMax) {
      pieces.push(text.slice(start, at));
      start = at;
      bytes = 0;
    }
    bytes += width;
    at += point > 0xffff ? 2 : 1;
  }
  pieces.push(text.slice(start));
  return pieces;
}

/** The longest prefix of the text that fits into `bytesMax` bytes of UTF-8. */
export function clip(text: string, bytesMax: number): string {
  // A unit takes at least one byte, so that only the first `bytesMax` units can fit.
  return splitText(text.length > bytesMax ? text.slice(0, bytesMax) : text, bytesMax)[0] ?? "";
}
