import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import type { Caller } from "#domain/caller";
import { rpcs } from "#gateway/handlers/index";
import { InputReads } from "#gateway/input-reads";
import { ClientPlans } from "#gateway/plans";
import type { StreamCall } from "#gateway/rpc";
import { jsonSchemas } from "#host/schemas";
import type { FakePlane } from "./fake-plane.js";

/** Calls a row of the table as somebody, without any transport; answers with the first answer. */
export function tableFor(plane: FakePlane) {
  let drawn = 0;
  return async (caller: Caller, method: DescMethod, request: Record<string, unknown>): Promise<Message> => {
    const rpc = rpcs.find((each) => each.method === method);
    const entropy = { uuid: () => `id-${++drawn}`, draw: () => 0 };
    const own = {
      schemas: jsonSchemas(),
      environment: "test",
      plans: new ClientPlans(plane.reads),
      inputs: new InputReads(plane.reads),
    };
    const { signal } = new AbortController();
    const call = { plane, entropy, caller, signal, ...own } as unknown as StreamCall;
    const message = create(method.input, request);
    if (rpc?.kind === "unary") return rpc.handle(message, call, { reserve: () => undefined });
    if (rpc === undefined) throw new Error(`${method.name} is not served`);
    async function* once() {
      yield message;
    }
    const answers = rpc.kind === "bidi_streaming" ? rpc.handle(once(), call) : rpc.handle(message, call);
    for await (const answer of answers) return answer;
    throw new Error("the stream ended without an answer");
  };
}
