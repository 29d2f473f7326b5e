import { z } from "zod";
import { agent } from "#worker/index";
import { connect, endOf, fromTemplate, register, sdkWorker, step } from "../../kit.js";
import type { Target } from "../../target.js";

const EMAIL = "^([a-zA-Z0-9_\\.\\-]+)+@(([a-zA-Z0-9\\-])+\\.)+([a-zA-Z0-9]{2,4})+$";

/** A pattern for e-mail addresses that many copy, over an agent's own long answer, and over a signal. */
export async function emailOfAResult(target: Target): Promise<void> {
  const answer = { email: "a".repeat(60_000) };
  await sdkWorker(
    target,
    [agent({ name: "evil_mail", input: z.unknown(), run: async () => answer })],
    "p2-mail",
  );
  const rpc = connect(target);
  const result_schema = { type: "object", properties: { email: { type: "string", pattern: EMAIL } } };
  const waiting = {
    name: "signal",
    type: "signal",
    signal: { timeout_ms: 100, default: { email: "a@b.de" } },
  };
  await register(rpc, "mail", {
    steps: [step("one", "evil_mail", { result_schema }), { ...waiting, result_schema }],
  });
  const made = await Promise.all(Array.from({ length: 5 }, () => fromTemplate(rpc, "mail", "{}")));
  for (const id of made) if (id) await endOf(rpc, target, id);
}
