import type { Log } from "#ports/telemetry";
import type { DurableContext } from "../agent/durable.js";
import { AgentError } from "../agent/error.js";

/** The server does not know durable steps. Nothing has been done for the call that it was thrown at. */
export class ServerTooOld extends AgentError {
  constructor(what: string) {
    const message = `${what}: the server is older than durable steps, and would not keep them. Update the server, then its workers.`;
    super(message, { retryable: false });
  }
}

/**
 * The durable functions of an agent whose server is of before they were: they reject, since a result that is not kept must not look as
 * if it were; usage is dropped, since no agent should fail for it, and logged once.
 */
export function unknownToServer(log: Log): DurableContext {
  let isLogged = false;
  const refuse = (what: string) => async (): Promise<never> => {
    throw new ServerTooOld(what);
  };
  return {
    step: refuse("ctx.step"),
    tool: refuse("ctx.tool"),
    sleep: refuse("ctx.sleep"),
    waitForSignal: refuse("ctx.waitForSignal"),
    call: refuse("ctx.call"),
    spawn: refuse("ctx.spawn"),
    usage: () => {
      if (!isLogged) log.warn("usage is not counted: the server is older than that");
      isLogged = true;
    },
  };
}
