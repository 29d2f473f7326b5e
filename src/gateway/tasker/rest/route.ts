import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { Documentation } from "../../rest/documentation.js";
import type { RestAnswer, RestOperation, RestRequest } from "../../rest/operation.js";
import type { Call } from "../../rpc.js";
import { type Part, textOf } from "./json.js";

/** A path of Tasker's REST API. */
export interface TaskerRoute {
  readonly method: RestOperation["method"];
  readonly path: string;
  /** The rpc of ours that does the same: what it needs is needed here, and its name is in the metrics. */
  readonly as: DescMethodUnary;
  readonly waits?: RestOperation["waits"];
  readonly documentation: Documentation;
  /** @throws {Fault} */
  answer(request: RestRequest, call: Call): Promise<Answered>;
}

export interface Answered {
  readonly body: Part;
  readonly headers?: RestAnswer["headers"];
}

export function operationOf({ as, answer, ...route }: TaskerRoute): RestOperation {
  return {
    ...route,
    rpc: { method: as, waits: false },
    perform: async (request, _, call) => {
      const { body, headers } = await answer(request, call);
      return { json: textOf(body), ...(headers && { headers }) };
    },
  };
}

/**
 * The call of a part of an answer whose room is reserved for the whole: so the parts of one answer never wait for each other.
 *
 * @param bytes most bytes of the answer, and of what is read for it
 */
export async function reserved(call: Call, bytes: number): Promise<Call> {
  await call.reserve(bytes);
  return { ...call, reserve: () => undefined };
}
