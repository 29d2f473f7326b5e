import { gzipSync } from "node:zlib";
import { flood } from "../kit.js";
import { envelope, grpcRequest, session, socket } from "../raw.js";
import type { Target } from "../target.js";

/** Half a megabyte that becomes half a gigabyte, compressed as a client may. */
export async function inflating(target: Target): Promise<void> {
  const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024));
  const path = "/taskrun.v1.TaskService/CreateTask";
  await flood(target, { lanes: 4, most: 200 }, async (i) => {
    const http2 = session(target, i);
    for (let k = 0; k < 5; k += 1)
      grpcRequest(http2, path, { "grpc-encoding": "gzip" }).end(envelope(bomb, bomb.length, 1));
    const http1 = socket(target, 1);
    const lines = [
      `POST ${path} HTTP/1.1`,
      "host: localhost",
      "content-encoding: gzip",
      `content-length: ${bomb.length}`,
    ];
    http1.write(`${[...lines, "content-type: application/proto"].join("\r\n")}\r\n\r\n`);
    http1.write(bomb);
    await new Promise((resolve) => setTimeout(resolve, 200));
    http2.destroy();
    http1.destroy();
  });
}
