import { agent, serve } from "taskrun/worker";
import { z } from "zod";

const greet = agent({
  name: "greet",
  input: z.object({ name: z.string() }),
  async *run({ name }) {
    yield `Hello ${name}\n`;
    return { greeted: name };
  },
});
await serve({ agents: [greet] });
