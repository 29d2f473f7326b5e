// A loop of a model and its tools, which asks a person before it gives money back. Run it with
//   taskrun worker --module examples/agents/refunds.mjs
//   taskrun task create --agent refunds --input '{"order": "4711", "complaint": "it came broken"}' --watch
//   taskrun task signal TASK approved --payload '{"yes": true, "by": "Ann"}'
// In place of a model it has rules that answer as one does; `openaiAgent` and `claudeAgent` ask real ones.
import { appendFileSync } from "node:fs";
import { agent } from "taskrun/worker";
import { z } from "zod";

/** What the shop really does is written into a file, so that one sees how often. */
const note = (line) => process.env.LEDGER && appendFileSync(process.env.LEDGER, `${line}\n`);

const orders = { 4711: { article: "lamp", cents: 4_900 }, 4712: { article: "desk", cents: 39_900 } };

const tools = {
  look_up: ({ order }) => {
    note(`look_up ${order}`);
    return orders[order] ?? null;
  },
  refund: ({ order, cents }) => {
    note(`refund ${order} ${cents}`);
    return { refunded: cents };
  },
};

/** The next turn of the model: calls of tools, or its answer. */
function model(messages, { order, complaint }) {
  const results = Object.fromEntries(messages.map(({ tool, result }) => [tool, result]));
  if (!("look_up" in results)) return { call: "look_up", args: { order } };
  if (results.look_up === null) return { answer: `There is no order ${order}.` };
  if (!("refund" in results)) return { call: "refund", args: { order, cents: results.look_up.cents } };
  const { refunded, declined } = results.refund;
  if (declined) return { answer: `We are sorry about "${complaint}", and cannot refund it: ${declined}.` };
  return { answer: `We have refunded ${(refunded / 100).toFixed(2)} for the ${results.look_up.article}.` };
}

export const refunds = agent({
  name: "refunds",
  description: "Answers a complaint, and refunds an order if a person agrees",
  input: z.object({ order: z.string(), complaint: z.string() }),
  async run(input, ctx) {
    const messages = [];
    for (let turn = 1; turn <= 8; turn += 1) {
      // What a model answers is chance: it is kept, so that a later run goes the same way, and is paid for once.
      const ask = () => {
        ctx.usage({ model: "rules", inputTokens: 100 + 20 * messages.length, outputTokens: 25 });
        return model(messages, input);
      };
      const { call, args, answer } = await ctx.step("model", ask, { input: { turn } });
      if (answer !== undefined) return { answer, turns: turn };
      messages.push({ tool: call, result: await callTool(call, args, ctx) });
    }
    throw new Error("the model has come to no answer in 8 turns");
  },
});

/** Looks things up by itself; what gives money away a person decides about, and it is done once. */
async function callTool(name, args, ctx) {
  if (name !== "refund") return ctx.tool(name, args, tools[name], { effect: "read" });
  const { yes, by } = z
    .object({ yes: z.boolean(), by: z.string() })
    .parse(await ctx.waitForSignal("approved"));
  if (!yes) return { declined: `${by} has said no` };
  return ctx.tool(name, args, tools[name], { effect: "once" });
}
