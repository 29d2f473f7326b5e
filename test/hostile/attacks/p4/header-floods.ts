import { flood } from "../../kit.js";
import { frame, PREFACE } from "../../raw/raw-http2.js";
import { grpcRequest, pour, session, socket } from "../../raw/sessions.js";
import type { Target } from "../../target.js";

/** Headers of 40 KB, headers that never end over HTTP/1.1, and over HTTP/2 by continuation without end. */
export async function headerFloods(target: Target): Promise<void> {
  const large = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-${i}`, "x".repeat(4_000)]));
  const calls = flood(target, { lanes: 4, most: 100 }, async (i) => {
    const http2 = session(target, i);
    for (let k = 0; k < 50; k += 1) grpcRequest(http2, "/taskrun.v1.TaskService/ListTasks", large).end();
    await new Promise((resolve) => setTimeout(resolve, 100));
    http2.destroy();
  });
  const http1 = Array.from({ length: 20 }, () => {
    const opened = socket(target, 1);
    opened.write("GET / HTTP/1.1\r\nhost: localhost\r\n");
    return pour(opened, target, () => Buffer.from(`x-${Math.random()}: ${"y".repeat(900)}\r\n`));
  });
  const http2 = Array.from({ length: 20 }, (_, i) => {
    const opened = socket(target, i);
    opened.write(Buffer.concat([PREFACE, frame(4, 0, 0), frame(1, 0, 1, Buffer.from([0x82]))]));
    return pour(opened, target, () => frame(9, 0, 1, Buffer.alloc(8_000, 0x82)));
  });
  await Promise.all([calls, ...http1, ...http2]);
}
