import { expect, test } from "vitest";
import { supportTriage } from "#worker/agents/support-triage";
import { rehearsal } from "../kit/workbench.js";

test("a ticket is sorted with its reasons, streamed as they are found", async () => {
  const { said, result } = rehearsal(supportTriage, {
    id: 7,
    subject: "Charged twice",
    body: "My invoice shows two payments. Please refund one, no rush.",
    customer: { name: "Ada", plan: "Free" },
  });

  expect(await result).toEqual({
    id: 7,
    category: "billing",
    priority: "low",
    team: "billing",
    confidence: 1,
    reasons: [
      '"charged" speaks for billing (+8)',
      '"invoice" speaks for billing (+4)',
      '"refund" speaks for billing (+4)',
      '"payments" speaks for billing (+2)',
      "billing tickets begin at normal",
      "it can wait: down to low",
    ],
  });
  expect(said[0]).toBe("Ticket: [7] Charged twice\n");
  expect(said.at(-1)).toBe("Verdict: billing, low priority, for billing\n");
});

test.each([
  [{ query: "help" }, { category: "how_to", priority: "low", team: "customer-success" }],
  [{ query: "zzz" }, { category: "general", priority: "low", confidence: 0 }],
  [{ query: "The API is down for all users" }, { category: "outage", priority: "urgent" }],
  [{ query: "Urgent: I cannot log in" }, { category: "account", priority: "high" }],
  [{ query: "It is not urgent: could you add dark mode?" }, { category: "feature_request", priority: "low" }],
  [
    { subject: "App crashes", body: "And we lost all data!" },
    { category: "bug", priority: "urgent" },
  ],
  [
    { body: "Reports are slow", customer: { plan: "Enterprise" } },
    { category: "performance", priority: "high" },
  ],
  [{ query: "Someone hacked my account" }, { category: "security", priority: "high" }],
])("%o is judged as %o", async (ticket, triage) => {
  expect(await rehearsal(supportTriage, ticket).result).toMatchObject(triage);
});

test("a ticket without text is refused, saying what is wanted", async () => {
  await expect(rehearsal(supportTriage, { subject: " " }).result).rejects.toThrow(
    'give a "query", or a "subject" or a "body"',
  );
});
