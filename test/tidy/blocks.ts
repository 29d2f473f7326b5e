/** A fenced block of code, padded to the line it has in its page, so that a diagnostic names that line. */
export interface Block {
  readonly place: string;
  readonly text: string;
}

const fence = /^```(js|ts|mjs)\n([\s\S]*?)^```$/gm;

/** The programs of a page of Markdown. */
export function blocksOf(page: string, markdown: string): Block[] {
  return [...markdown.matchAll(fence)].map(({ index, 2: text = "" }) => {
    const linesBefore = markdown.slice(0, index).split("\n").length;
    return { place: `${page}:${linesBefore}`, text: "\n".repeat(linesBefore) + text };
  });
}
