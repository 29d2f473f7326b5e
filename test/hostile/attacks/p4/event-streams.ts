import { connect, createTask } from "../../kit.js";
import { RawSocket } from "../../raw/raw-http1.js";
import { clockOf, pause, type Target } from "../../target.js";

const STREAMS = 200;
const HOST = "host: localhost\r\n";

/** What somebody might put where a browser says how far it has read. */
const cursors = ["-1", "9".repeat(4_000), "0x1", "\u00e4", "1, 2", ":", "1;event: end", "y".repeat(10_000)];

/**
 * Event streams of one Task and of none, whose readers do not read, ask with cursors that are none, in pages of others, or
 * leave at once. The server must say nothing but what a reader of events takes.
 */
export async function eventStreams(target: Target): Promise<void> {
  const clock = clockOf(target);
  const rpc = connect(target);
  const held = await createTask(rpc, { agentName: "evil_nobody" });
  const id = await createTask(rpc, { agentName: "evil_nobody" });
  const ask = (path: string, headers: string, reads: boolean): RawSocket => {
    const socket = new RawSocket(target.httpPort, { reads });
    socket.write(`GET ${path} HTTP/1.1\r\n${HOST}accept: text/event-stream\r\n${headers}\r\n`);
    return socket;
  };
  const unread = Array.from({ length: STREAMS }, () => ask(`/v1/tasks/${held}/events`, "", false));
  while (clock()) {
    const sockets = [
      ...cursors.map((cursor) => ask(`/v1/tasks/${id}/events`, `last-event-id: ${cursor}\r\n`, true)),
      ask("/v1/tasks/%0d%0aevent:%20end/events", "", true),
      ask(`/v1/tasks/${id}/events?${"after=1&".repeat(500)}`, "", true),
      ask(`/v1/tasks/${id}/events`, "origin: https://evil.example\r\n", true),
      ask(`/v1/tasks/${id}/events`, "", true),
    ];
    await pause(200);
    const wrong = sockets.find(({ text }) => /^(event: end|HTTP\/1\.1 5)/m.test(text));
    for (const socket of sockets) socket.end();
    if (wrong) throw new Error(`an event stream was answered ${JSON.stringify(wrong.text.slice(0, 500))}`);
  }
  for (const socket of unread) socket.end();
}
