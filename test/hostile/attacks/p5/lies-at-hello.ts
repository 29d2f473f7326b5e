import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  RunClientMessageSchema,
  RunService,
  type WorkerHelloSchema,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { connect, flood } from "../../kit.js";
import type { Target } from "../../target.js";

/** Workers that say they hold what they never had, a hundred thousand times, or say hello twice, or never. */
export async function liesAtHello(target: Target): Promise<void> {
  const rpc = connect(target);
  const resume = Array.from({ length: 50_000 }, (_, i) => ({
    runId: `r${i}`,
    fence: 2 ** 32 - 1,
    nextSeq: 2n ** 63n,
  }));
  const info = (i: number) => ({
    workerId: `p5-liar-${i % 50}`,
    agents: [{ name: `evil_${i}` }],
    maxConcurrentRuns: 2 ** 31,
  });
  const hellos: ((i: number) => MessageInitShape<typeof WorkerHelloSchema>)[] = [
    (i) => ({ info: info(i), protocol: 1, instance: "i", resume }),
    (i) => ({ info: { ...info(i), labels: { __proto__x: "x", "": "" } }, protocol: 99 }),
    (i) => ({ info: { ...info(i), agents: Array.from({ length: 64 }, () => ({ name: "same" })) } }),
    (i) => ({ info: { ...info(i), workerId: "x".repeat(300) }, protocol: 1 }),
    (i) => ({ info: { ...info(i), namespaces: Array.from({ length: 64 }, (_, k) => `no-such-${i}-${k}`) } }),
    () => ({}),
  ];
  await flood(target, { lanes: 10, most: 2_000 }, async (i) => {
    const stream = rpc.bidi(RunService.method.streamConnect);
    stream.on("error", () => {});
    stream.on("data", () => {});
    const hello = hellos[i % hellos.length]?.(i) ?? {};
    for (let k = 0; k < 1 + (i % 3); k += 1) {
      stream.write(create(RunClientMessageSchema, { payload: { case: "hello", value: hello } }));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    stream.cancel();
  });
}
