// An agent that divides a question among others, and puts together what they have found. Run it with
//   taskrun worker --module examples/agents/research.mjs
//   taskrun task create --agent research --input '{"topics": ["rivers", "lakes", "seas"]}' --watch
import { agent } from "taskrun/worker";
import { z } from "zod";

const library = {
  rivers: ["The Danube is 2 850 km long.", "The Rhine is 1 233 km long."],
  lakes: ["Lake Baikal is 1 642 m deep."],
  seas: ["The Dead Sea is a lake.", "The Baltic Sea is 400 000 km² large.", "The Aral Sea was a lake."],
};

export const reader = agent({
  name: "reader",
  description: "Finds what is known about a topic",
  input: z.object({ topic: z.string() }),
  run: async ({ topic }, ctx) => {
    const found = library[topic] ?? [];
    ctx.usage({ model: "rules", inputTokens: 10 * found.length, outputTokens: 5 });
    return { topic, found };
  },
});

export const research = agent({
  name: "research",
  description: "Has several topics read at once, and sums up",
  input: z.object({ topics: z.array(z.string()).min(1).max(50) }),
  async run({ topics }, ctx) {
    // Each reader is a task of its own, at any worker; meanwhile this one takes no place at its worker.
    const children = [];
    for (const topic of topics) children.push(await ctx.spawn(reader, { topic }));
    const read = await Promise.all(children.map((child) => child.result()));
    const known = read.filter(({ found }) => found.length > 0);
    return {
      summary: known.map(({ topic, found }) => `${topic}: ${found.length}`).join(", "),
      facts: known.flatMap(({ found }) => found),
      unknown: read.filter(({ found }) => found.length === 0).map(({ topic }) => topic),
    };
  },
});
