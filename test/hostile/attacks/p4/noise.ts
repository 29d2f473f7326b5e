import { randomBytes } from "node:crypto";
import { flood } from "../../kit.js";
import { envelope, frame, PREFACE } from "../../raw/raw-http2.js";
import { grpcRequest, session, socket } from "../../raw/sessions.js";
import type { Target } from "../../target.js";

const PATHS = [
  "TaskService/CreateTask",
  "TaskService/ListTasks",
  "RunService/StreamConnect",
  "TemplateService/Register",
];

/** Random bytes: as a connection, as frames of HTTP/2, as messages of every call, and as their length. */
export async function noise(target: Target): Promise<void> {
  await flood(target, { lanes: 10, most: 5_000 }, async (i) => {
    const bare = socket(target, i);
    bare.write(
      i % 2 === 0
        ? randomBytes(500)
        : Buffer.concat([PREFACE, frame(4, 0, 0), frame(i % 12, i & 255, i & 7, randomBytes(64))]),
    );
    const http2 = session(target, i >> 1);
    for (const [k, path] of PATHS.entries()) {
      const bytes = randomBytes(200);
      grpcRequest(http2, `/taskrun.v1.${path}`).end(envelope(bytes, k === 3 ? 1e9 : bytes.length));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    http2.destroy();
    bare.destroy();
  });
}
