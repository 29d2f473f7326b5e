import { connect, createTask, untilTimeIsUp } from "../../kit.js";
import { socket } from "../../raw/sessions.js";
import type { Target } from "../../target.js";

/** Watchers over HTTP/1.1 that never read or write again, of Tasks that go on for long. */
export async function silentWatchers(target: Target): Promise<void> {
  const rpc = connect(target);
  for (let i = 0; i < 10; i += 1) {
    const id = await createTask(rpc, { agentName: "evil_nobody" });
    const json = Buffer.from(JSON.stringify({ id }));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(json.length, 1);
    for (let k = 0; k < 60; k += 1) {
      const opened = socket(target, 1);
      const length = `content-length: ${json.length + 5}`;
      const lines = ["POST /taskrun.v1.TaskService/WatchTask HTTP/1.1", "host: localhost", length];
      opened.write(`${[...lines, "content-type: application/connect+json"].join("\r\n")}\r\n\r\n`);
      opened.write(Buffer.concat([head, json]));
      opened.pause();
    }
  }
  await untilTimeIsUp(target);
}
