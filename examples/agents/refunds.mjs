// A loop of a model and its tools, which asks a person before it gives money back. Run it with
//   npm install openai
//   export OPENAI_API_KEY=…                               # any text, if the server below needs none
//   export OPENAI_BASE_URL=http://localhost:11434/v1      # only for another server than OpenAI's, such as Ollama
//   export MODEL=qwen3:8b
//   taskrun worker --module examples/agents/refunds.mjs
//   taskrun task create --agent refunds --input '{"order": "4711", "complaint": "it came broken"}' --watch
//   taskrun task signal TASK approved --payload '{"yes": true, "by": "Ann"}'
import { appendFileSync } from "node:fs";
import { OpenAI } from "openai";
import { agent } from "taskrun/worker";
import { z } from "zod";

const openai = new OpenAI({ maxRetries: 0 }); // the plane tries again

/** What the shop really does is written into a file, so that one sees how often. */
const note = (line) => process.env.LEDGER && appendFileSync(process.env.LEDGER, `${line}\n`);

const orders = { 4711: { article: "lamp", cents: 4_900 }, 4712: { article: "desk", cents: 39_900 } };

const tools = {
  look_up: {
    description: "What was ordered, and what was paid for it",
    input: z.object({ order: z.string() }),
    run({ order }) {
      note(`look_up ${order}`);
      return orders[order] ?? { problem: "there is no such order" };
    },
  },
  refund: {
    description: "Gives money back, if the manager agrees",
    input: z.object({ order: z.string(), cents: z.int().positive() }),
    run({ order, cents }) {
      note(`refund ${order} ${cents}`);
      return { refunded: cents };
    },
  },
};

export const refunds = agent({
  name: "refunds",
  description: "Answers a complaint, and refunds an order if a person agrees",
  input: z.object({ order: z.string(), complaint: z.string() }),
  async run(complaint, ctx) {
    const messages = [
      {
        role: "system",
        content: "Look up the order, refund it if the complaint is fair, and answer the customer.",
      },
      { role: "user", content: JSON.stringify(complaint) },
    ];
    for (let turn = 1; turn <= 8; turn += 1) {
      // What a model answers is chance: it is kept, so that a later run goes the same way, and is paid for once.
      const message = await ctx.step("model", (signal) => ask(messages, ctx, signal), { input: { turn } });
      if (!message.tool_calls?.length) return { answer: message.content, turns: turn };
      messages.push(message);
      for (const { id, function: called } of message.tool_calls) {
        const result = await callTool(called.name, called.arguments, ctx);
        messages.push({ role: "tool", tool_call_id: id, content: JSON.stringify(result) });
      }
    }
    throw new Error("the model has come to no answer in 8 turns");
  },
});

/** The next message of the model: calls of tools, or its answer. */
async function ask(messages, ctx, signal) {
  const { model, usage, choices } = await openai.chat.completions.create(
    {
      model: process.env.MODEL ?? "gpt-5-mini",
      messages,
      tools: Object.entries(tools).map(([name, { description, input }]) => ({
        type: "function",
        function: { name, description, parameters: z.toJSONSchema(input) },
      })),
    },
    { signal },
  );
  ctx.usage({ model, inputTokens: usage?.prompt_tokens, outputTokens: usage?.completion_tokens });
  return choices[0].message;
}

/** Looks things up by itself; what gives money away a person decides about, and it is done once. */
async function callTool(name, json, ctx) {
  let args;
  try {
    args = tools[name].input.parse(JSON.parse(json));
  } catch (error) {
    return { problem: `${name} cannot be called so: ${error.message}` }; // the model reads it, and does better
  }
  if (name !== "refund") return ctx.tool(name, args, tools[name].run, { effect: "read" });
  const { yes, by } = z
    .object({ yes: z.boolean(), by: z.string() })
    .parse(await ctx.waitForSignal("approved"));
  if (!yes) return { declined: `${by} has said no` };
  return ctx.tool(name, args, tools[name].run, { effect: "once" });
}
