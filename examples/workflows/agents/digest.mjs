/** The agents of `ticket_digest`, which sum up a week's tickets by topic. */
import { agent } from "taskrun/worker";
import { z } from "zod";

/** A ticket's topic is the first one of which it contains a word. */
const topics = {
  billing: /\b(invoice|charged?|refund|payment|subscription|price|EUR|USD)\b/i,
  outage: /\b(down|outage|50\d|error|crash\w*|slow)\b/i,
  access: /\b(log ?in|password|reset|locked|account)\b/i,
  delivery: /\b(parcel|order|tracking|delivery|shipped)\b/i,
};
const pressing = /\b(urgent|down|immediately|losing|asap|as soon as possible|money back)\b/i;

const ticket = z.object({ id: z.string(), customer: z.string(), query: z.string() });

/** Classifies one ticket: a member of a map. */
export const classify = agent({
  name: "digest_classify",
  input: z.object({ item: ticket }),
  async run({ item: { id, query } }) {
    const topic = Object.keys(topics).find((name) => topics[name].test(query)) ?? "other";
    return { id, topic, urgent: pressing.test(query) };
  },
});

/** Joins the tickets with their topics; `text` is the input of a child task. */
export const compose = agent({
  name: "digest_compose",
  input: z.object({ tickets: z.array(ticket) }),
  async run({ tickets }, ctx) {
    const found = await ctx.result("classify");
    const by_topic = {};
    for (const { topic } of found) by_topic[topic] = (by_topic[topic] ?? 0) + 1;
    const urgent = found.filter((one) => one.urgent).map(({ id }) => id);
    return { text: tickets.map(({ query }) => query).join("\n"), tickets: found.length, by_topic, urgent };
  },
});

/** Publishes the digest if it was approved. */
export const publish = agent({
  name: "digest_publish",
  input: z.object({ week: z.string() }),
  async *run({ week }, ctx) {
    const { tickets, by_topic, urgent } = await ctx.result("compose");
    const { top } = await ctx.result("wording");
    const { approved, by } = await ctx.result("approval");
    if (!approved) return { published: false, by };

    const lines = Object.entries(by_topic).map(([topic, count]) => `- ${topic}: ${count}`);
    const page = [
      `# Tickets of week ${week}`,
      `${tickets} tickets, ${urgent.length} of them urgent (${urgent.join(", ")}).`,
      ...lines,
      `They speak of ${top.map(({ word }) => word).join(", ")}.`,
      `Approved by ${by}.`,
    ].join("\n");
    yield page;
    return { published: true, by, words: page.split(/\s+/).length };
  },
});
