import type { AgentContext } from "../agent/context.js";
import type { Effect } from "../agent/durable.js";
import { inputDigest } from "../journal/canonical.js";
import { ServerTooOld } from "../journal/unknown.js";
import { toolRequested } from "./tool-events.js";

/** A piece of work. @param isKept whether the server keeps its result, and counts it if it is a tool */
type Work<Result> = (signal: AbortSignal, isKept: boolean) => Promise<Result>;

/** A call of a tool by a model. */
export interface CalledTool {
  readonly name: string;
  readonly args: unknown;
  readonly callId: string;
  readonly effect: Effect;
}

/** The durable steps of a Run. Where the server does not know them they are done all the same, and not kept. */
export class KeptSteps {
  readonly #ctx: AgentContext;
  #isKept = true;

  constructor(ctx: AgentContext) {
    this.#ctx = ctx;
  }

  /** Does what only reads, or takes its result from an earlier Run. @param input what it works on, as a short text */
  read<Result>(name: string, input: string, work: Work<Result>): Promise<Result> {
    return this.#orDirectly(
      () => this.#ctx.step(name, (signal) => work(signal, true), { effect: "read", input }),
      () => work(this.#ctx.signal, false),
    );
  }

  tool(call: CalledTool, work: () => Promise<unknown>): Promise<unknown> {
    const { name, args, effect } = call;
    return this.#orDirectly(
      () => this.#ctx.tool(name, args, work, { effect }),
      () => this.#told(call, work),
    );
  }

  async #orDirectly<Result>(kept: () => Promise<Result>, directly: () => Promise<Result>): Promise<Result> {
    if (this.#isKept) {
      try {
        return await kept();
      } catch (error) {
        if (!(error instanceof ServerTooOld)) throw error;
        this.#isKept = false;
      }
    }
    return directly();
  }

  async #told({ name, args, callId }: CalledTool, work: () => Promise<unknown>): Promise<unknown> {
    const args_digest = inputDigest(args, "the arguments");
    const completed = toolRequested(this.#ctx, { tool: name, args_digest, call_id: callId });
    try {
      const result = await work();
      completed("ok");
      return result;
    } catch (error) {
      completed("failed");
      throw error;
    }
  }
}
