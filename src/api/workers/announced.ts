import { createHash } from "node:crypto";
import { z } from "zod";
import { isJsonObject } from "#domain/json/json";
import { backoffs } from "#domain/task/retry";
import { millis } from "#domain/time/time";
import type { AgentRetry, Announcement } from "#domain/worker/agent";
import { limits } from "#limits/index";
import { jsonProblem } from "../json-text.js";
import { atMost, duration, exceeds, freeText, within } from "../validate.js";

const backoff = z.string().transform((word, context) => {
  const known = backoffs.find((each) => each === word);
  if (known !== undefined || word === "") return known;
  const message = `is ${JSON.stringify(word.slice(0, 64))}; it is one of ${backoffs.join(", ")}.`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const retry = z.object({
  attempts: within(0, limits.maxAttempts, "total tries, where 0 leaves them to the Task"),
  backoff,
  baseMs: duration.optional(),
  maxMs: duration.optional(),
  only: atMost(limits.retriedErrors, freeText(limits.labelBytes)),
});

const inputSchema = z.string().superRefine((text, context) => {
  const message = text === "" ? undefined : schemaProblem(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** The fields of an agent in a hello with which it announces the defaults of Tasks that name it. */
export const announcedFields = {
  retry: retry.optional(),
  timeoutMs: duration.optional(),
  concurrency: within(
    0,
    limits.maxRunsPerWorker,
    "Runs of the agent at once, where 0 means as many as the worker takes",
  ).optional(),
  inputSchemaJson: inputSchema.optional(),
};

type Announced = z.output<z.ZodObject<typeof announcedFields>>;

/** What an agent announces; undefined if it announces nothing. */
export function announcementOf(agent: Announced): Announcement | undefined {
  const { timeoutMs = millis(0), concurrency = 0, inputSchemaJson = "" } = agent;
  const said = retryOf(agent.retry);
  const schema = inputSchemaJson === "" ? "" : JSON.stringify(JSON.parse(inputSchemaJson));
  const contract = [said, timeoutMs, schema];
  const isEmpty = JSON.stringify(contract) === NOTHING;
  if (isEmpty && concurrency === 0) return undefined;
  const digest = isEmpty ? "" : createHash("sha256").update(JSON.stringify(contract)).digest("hex");
  return { digest, retry: said, timeoutMs, concurrency, inputSchema: schema };
}

const NOTHING = JSON.stringify([retryOf(undefined), 0, ""]);

function retryOf(said: Announced["retry"]): AgentRetry {
  const { attempts = 0, backoff, baseMs, maxMs, only = [] } = said ?? {};
  return {
    ...(attempts > 0 && { attempts }),
    ...(backoff !== undefined && { backoff }),
    ...(baseMs !== undefined && { base: baseMs }),
    ...(maxMs !== undefined && { max: maxMs }),
    only,
  };
}

function schemaProblem(text: string): string | undefined {
  if (exceeds(text, limits.agentSchemaBytes)) {
    const size = Buffer.byteLength(text);
    return `is ${size} bytes long; the limit is ${limits.agentSchemaBytes} bytes: leave it out, or make it shorter.`;
  }
  const problem = jsonProblem(text, limits.jsonDepth);
  if (problem !== undefined) return problem;
  return isJsonObject(JSON.parse(text))
    ? undefined
    : "is no JSON object: send a JSON Schema, {} takes anything.";
}
