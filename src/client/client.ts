import { limits } from "#domain/limits";
import { Caller } from "./call.js";
import { Tasks } from "./tasks.js";
import { Templates } from "./templates.js";
import { connect, DEFAULT_ADDR } from "./transport.js";
import { Workers } from "./workers.js";

export interface ClientOptions {
  /** `HOST:PORT` or a URL of a gRPC listener; `localhost:50051` if left out. */
  readonly addr?: string;
  /** Where Tasks and templates are looked for, and Tasks created, unless a request says otherwise. */
  readonly namespace?: string;
  /** Milliseconds after which a call other than a watch fails with DEADLINE_EXCEEDED; 10 000 if left out, 0 is never. */
  readonly timeoutMs?: number;
}

/** A control plane, as its clients see it. */
export interface TaskRunClient {
  readonly tasks: Tasks;
  readonly workers: Workers;
  readonly templates: Templates;
  /** Closes the connection; calls and watches that are open fail. */
  close(): void;
}

/**
 * A client of the control plane at `addr`. It connects with its first call and again by itself.
 *
 * All calls share one connection, on which a server allows 100 at a time: who watches more Tasks than that
 * at once makes a second client.
 *
 * @throws {TypeError} if `addr` is not an address
 */
export function createClient(options: ClientOptions = {}): TaskRunClient {
  const { addr = DEFAULT_ADDR, namespace = "", timeoutMs = limits.callTimeout } = options;
  const { transport, close } = connect(addr);
  const caller = new Caller(timeoutMs);

  return {
    tasks: new Tasks(transport, caller, namespace),
    workers: new Workers(transport, caller),
    templates: new Templates(transport, caller, namespace),
    close,
  };
}
