import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { runAgent } from "#testing/index";
import {
  type Agent,
  type AgentContext,
  type AgentError,
  type OpenaiOptions,
  openaiAgent,
} from "#worker/index";
import { type FakeAnswer, FakeOpenai } from "./fake-openai.js";

/** What tests of `openaiAgent` need: the double, agents over it, and contexts that have more than those of this package. */

export const KEY = "sk-test-0123456789";

/** The double of one file of tests, whose requests are forgotten before each test. */
export const double: { server: FakeOpenai } = { server: undefined as unknown as FakeOpenai };

/** Call it once in the file. */
export function useDouble(): void {
  beforeAll(async () => {
    double.server = await FakeOpenai.start();
  });
  afterAll(() => double.server.stop());
  beforeEach(() => {
    double.server.seen.length = 0;
  });
}

export function model(options: Partial<OpenaiOptions> = {}) {
  return openaiAgent({ model: "small", baseUrl: double.server.baseUrl, apiKey: KEY, ...options });
}

/** The agent with a context that has more than its own. */
export function having(agent: Agent, more: Readonly<Record<string, unknown>>): Agent {
  return {
    ...agent,
    perform: (json, ctx) => {
      const added = Object.fromEntries(Object.entries(more).map(([name, value]) => [name, { value }]));
      const own = { ...Object.getOwnPropertyDescriptors(ctx), ...added };
      return agent.perform(json, Object.defineProperties({} as AgentContext, own));
    },
  };
}

/** The error of a run that fails with this answer. */
export function failure(answer: FakeAnswer, options: Partial<OpenaiOptions> = {}) {
  double.server.answer(answer);
  return runAgent(model(options) as Agent, { prompt: "hi" }).then(
    () => expect.unreachable("it did not fail"),
    (error: AgentError) => error,
  );
}
