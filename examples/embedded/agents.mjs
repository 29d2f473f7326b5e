import { agent } from "taskrun/worker";
import { z } from "zod";

/** Sums up a text by its longest sentences, which it also writes as output, one by one. */
export const summarize = agent({
  name: "summarize",
  input: z.object({ text: z.string().min(1), sentences: z.int().min(1).max(10).default(2) }),
  async *run({ text, sentences }) {
    const all = text.split(/(?<=[.!?])\s+/).filter((sentence) => sentence !== "");
    const longest = all.toSorted((a, b) => b.length - a.length).slice(0, sentences);
    const kept = all.filter((sentence) => longest.includes(sentence));
    for (const sentence of kept) yield `${sentence}\n`;
    return { summary: kept.join(" "), of: all.length };
  },
});
