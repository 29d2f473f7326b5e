import { flood, untilTimeIsUp } from "../kit.js";
import { envelope, grpcRequest, session, socket } from "../raw.js";
import type { Target } from "../target.js";

const PATH = "/taskrun.v1.TaskService/CreateTask";

/** Bodies that come a byte at a time, over HTTP/1.1 and HTTP/2, from hundreds of calls. */
export async function slowBodies(target: Target): Promise<void> {
  const writers: { write(text: string): unknown }[] = [];
  for (let i = 0; i < 200; i += 1) {
    const http1 = socket(target, 1);
    http1.write(
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n`,
    );
    writers.push(http1);
  }
  for (let i = 0; i < 6; i += 1) {
    const http2 = session(target, i);
    for (let k = 0; k < 90; k += 1) {
      const stream = grpcRequest(http2, PATH);
      stream.write(envelope(Buffer.from("x"), 1_000_000));
      writers.push(stream);
    }
  }
  await flood(target, { lanes: 1, most: 10_000 }, async () => {
    for (const writer of writers) writer.write("x");
    await new Promise((resolve) => setTimeout(resolve, 200));
  });
  await untilTimeIsUp(target);
}
