import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import type { Caller } from "#domain/caller";
import { rpcs } from "#gateway/handlers/index";
import type { StreamCall } from "#gateway/rpc";
import { requestOf, servicesFor } from "../../api/services.js";
import type { FakePlane } from "./fake-plane.js";

/** Calls a row of the table as somebody, without any transport; answers with the first answer. */
export function tableFor(plane: FakePlane) {
  const services = servicesFor(plane);
  return async (caller: Caller, method: DescMethod, request: Record<string, unknown>): Promise<Message> => {
    const rpc = rpcs.find((each) => each.method === method);
    const { signal } = new AbortController();
    const call = { ...requestOf(services, caller), signal } as unknown as StreamCall;
    const message = create(method.input, request);
    if (rpc?.kind === "unary") return rpc.handle(message, call);
    if (rpc === undefined) throw new Error(`${method.name} is not served`);
    async function* once() {
      yield message;
    }
    const answers = rpc.kind === "bidi_streaming" ? rpc.handle(once(), call) : rpc.handle(message, call);
    for await (const answer of answers) return answer;
    throw new Error("the stream ended without an answer");
  };
}
