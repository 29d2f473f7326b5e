import { type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect, createTask, MIB, untilTimeIsUp } from "../../kit.js";
import { envelope } from "../../raw/raw-http2.js";
import { grpcRequest, stringField } from "../../raw/sessions.js";
import { ECHO, type Target } from "../../target.js";

/** Ten connections of ninety reads of a Task of a megabyte each, and nobody takes an answer. */
export async function unreadAnswers(target: Target): Promise<void> {
  const rpc = connect(target);
  const id = await createTask(rpc, { agentName: ECHO, inputJson: JSON.stringify("x".repeat(MIB - 64)) });
  const streams: ClientHttp2Stream[] = [];
  for (let i = 0; i < 10 && id; i += 1) {
    const port = i % 2 === 0 ? target.grpcPort : target.httpPort;
    const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    session.on("error", () => {});
    for (let k = 0; k < 90; k += 1) {
      const stream = grpcRequest(session, "/taskrun.v1.TaskService/GetTask");
      stream.end(envelope(stringField(1, id)));
      streams.push(stream);
    }
  }
  await untilTimeIsUp(target);
  for (const stream of streams) stream.close();
}
