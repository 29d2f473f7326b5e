// An agent that divides a question among others, and has what they found put together. Run it with
//   npm install openai
//   export OPENAI_API_KEY=…                               # or, for another server than OpenAI's, such as Ollama:
//   export OPENAI_BASE_URL=http://localhost:11434/v1 MODEL=qwen3:8b
//   taskrun worker --module examples/agents/research.mjs
//   taskrun task create --agent research --input '{"topics": ["rivers", "lakes", "seas"]}' --watch
import { agent, openaiAgent } from "taskrun/worker";
import { z } from "zod";

const model = process.env.MODEL ?? "gpt-5-mini";

export const reader = openaiAgent({
  name: "reader",
  description: "Says what is known about a topic",
  model,
  instructions: "Say in a few short sentences what is known about the topic.",
});

export const writer = openaiAgent({
  name: "writer",
  description: "Sums up what others have found",
  model,
  instructions: "Sum up in one paragraph, with nothing that is not in the notes.",
});

export const research = agent({
  name: "research",
  description: "Has several topics read at once, and sums up",
  input: z.object({ topics: z.array(z.string()).min(1).max(50) }),
  async run({ topics }, ctx) {
    // Each reader is a task of its own, at any worker; meanwhile this one takes no place at its worker.
    const children = [];
    for (const topic of topics) children.push(await ctx.spawn(reader, { prompt: topic }));
    const read = await Promise.all(children.map((child) => child.result()));
    const notes = read.map(({ text }) => text);
    const { text: summary } = await ctx.call(writer, { prompt: topics.join(", "), context: notes });
    return { summary, notes };
  },
});
