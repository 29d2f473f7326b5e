/** Many idle workers, as light as a worker can be: a connection each, a hello, and a heartbeat when it is due. */
import { create } from "@bufbuild/protobuf";
import {
  type RunClientMessage,
  RunClientMessageSchema,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { ownAccess } from "./access.js";
import { answer } from "./child.js";
import { agents } from "./load-words.js";
import { Rpc } from "./rpc.js";

/** Handshakes under way at a time. */
const AT_ONCE = 20;

const [addr = "", count = "0", name = "idle"] = process.argv.slice(2);

for (let begun = 0; begun < Number(count); begun += AT_ONCE) {
  const some = Math.min(AT_ONCE, Number(count) - begun);
  await Promise.all(Array.from({ length: some }, (_, i) => connect(`${name}-${begun + i}`)));
}
answer(async () => ({}));

type Payload = Parameters<typeof create<typeof RunClientMessageSchema>>[1];

/** Resolves at the welcome. */
function connect(workerId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = new Rpc(addr, ownAccess()).bidi(RunService.method.streamConnect);
    const say = (payload: Payload) =>
      stream.write(create(RunClientMessageSchema, payload) as RunClientMessage);
    let beat = 0n;

    stream.on("error", reject);
    stream.on("data", ({ payload }: RunServerMessage) => {
      if (payload.case !== "welcome") return;
      setInterval(() => {
        beat += 1n;
        say({ payload: { case: "heartbeat", value: { workerId, beat } } });
      }, Number(payload.value.heartbeatMs));
      resolve();
    });
    const info = { workerId, version: "0", agents: [{ name: agents.nobody }], maxConcurrentRuns: 0 };
    say({ payload: { case: "hello", value: { info, protocol: 1, instance: workerId } } });
  });
}
