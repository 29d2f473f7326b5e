/**
 * `ticket_digest` in code: a map over the tickets, a child task that counts their words, a timer, and a signal by which
 * somebody approves.
 */
import { workflow } from "taskrun/templates";
import { z } from "zod";

/** Length of the timer. */
const COOLING_OFF_MS = 200;
/** Without a signal by then, the digest is not approved. */
const APPROVAL_MS = 60_000;

const ticket = z.object({ id: z.string(), customer: z.string(), query: z.string() });
const classified = z.object({ id: z.string(), topic: z.string(), urgent: z.boolean() });
const composed = z.object({
  text: z.string(),
  tickets: z.int(),
  by_topic: z.record(z.string(), z.int()),
  urgent: z.array(z.string()),
});

export const ticketDigest = workflow(
  "ticket_digest",
  {
    namespace: "example",
    version: "1.0.0",
    description: "Sums up a week's tickets and publishes that, if somebody approves.",
    input: z.object({ week: z.string(), tickets: z.array(ticket).max(500) }),
    maxDurationMinutes: 60,
  },
  (w) => {
    const found = w.map("classify", {
      agent: "digest_classify",
      over: w.input.at("tickets"),
      concurrency: 4,
      result: classified,
    });
    const digest = w.step("compose", { agent: "digest_compose", after: [found], result: composed });
    const wording = w.child("wording", {
      template: { name: "linear_workflow", version: "1.0.0" },
      input: digest,
    });
    const pause = w.timer("cooling_off", { after: [digest], delayMs: COOLING_OFF_MS });
    const approval = w.signal("approval", {
      after: [pause],
      timeoutMs: APPROVAL_MS,
      otherwise: { approved: false, by: "nobody" },
      result: z.object({ approved: z.boolean(), by: z.string() }),
    });
    return w.step("publish", {
      agent: "digest_publish",
      after: [digest, wording, approval],
      result: z.object({ published: z.boolean(), by: z.string(), words: z.int().optional() }),
    });
  },
);
