/** The agents of `linear_workflow`, which find the topic of a text by its words. */
import { agent } from "taskrun/worker";
import { z } from "zod";

const words = new Intl.Segmenter("en", { granularity: "word" });

export const clean = agent({
  name: "text_clean",
  input: z.object({ text: z.string() }),
  async run({ text }) {
    const cleaned = text
      .normalize("NFKC")
      .replaceAll(/https?:\/\/\S+/g, " ")
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/[*_`#>|]+/g, " ")
      .replaceAll(/\s+/g, " ")
      .trim();
    return { text: cleaned, removed: text.length - cleaned.length };
  },
});

export const split = agent({
  name: "text_split",
  input: z.unknown(),
  async run(_, ctx) {
    const { text } = await ctx.result("clean_text");
    const found = [...words.segment(text)].filter(({ isWordLike }) => isWordLike);
    return { words: found.map(({ segment }) => segment.toLowerCase()) };
  },
});

export const count = agent({
  name: "text_count",
  input: z.object({ config: z.object({ ignore: z.array(z.string()) }) }),
  async run({ config }, ctx) {
    const { words: all } = await ctx.result("split_words");
    const ignored = new Set(config.ignore);
    const counts = {};
    for (const word of all) if (!ignored.has(word)) counts[word] = (counts[word] ?? 0) + 1;
    return { counts, words: all.length, distinct: Object.keys(counts).length };
  },
});

export const rank = agent({
  name: "text_rank",
  input: z.object({ top: z.int().default(5) }),
  async run({ top }, ctx) {
    const { counts, words: all, distinct } = await ctx.result("count_words");
    const ranked = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return {
      top: ranked.slice(0, top).map(([word, times]) => ({ word, times })),
      words: all,
      distinct,
      diversity: Math.round((1_000 * distinct) / Math.max(all, 1)) / 1_000,
    };
  },
});
