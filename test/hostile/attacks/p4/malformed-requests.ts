import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { flood, tally } from "../../kit.js";
import { type Described, type Malformed, malformed } from "../../malformed.js";
import type { Target } from "../../target.js";

const MOST = 20_000;
/** What is answered by nothing that was asked for. */
const BUG = 500;

/** Every operation on a path with bodies, queries and headers that are wrong, over all listeners: each is refused, and none by 500. */
export async function malformedRequests(target: Target): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const { httpPort, taskerWorkerPort = httpPort, grpcPort, taskerPort = grpcPort } = target;
  const [common, worker] = [await requestsFor(httpPort, 16), await requestsFor(taskerWorkerPort, 17)];
  const wrong: string[] = [];
  await flood(target, { lanes: 16, most: MOST }, async (i) => {
    // The port of Tasker's workers has few paths, and those of gRPC speak HTTP/2 alone and no paths: now and then they are asked too.
    const isWorker = i % 8 === 1;
    const asked = (isWorker ? worker : common).next().value;
    const status =
      i % 20 === 0
        ? await askGrpc(i % 40 === 0 ? grpcPort : taskerPort, asked)
        : await askHttp(isWorker ? taskerWorkerPort : httpPort, target.signal, asked, agent);
    if (status === BUG)
      wrong.push(`${asked.method} ${asked.path} ${JSON.stringify(asked.headers)} ${asked.body}`);
    if (status >= 200 && status < 300) tally.accepted += 1;
    else tally.refused += 1;
  });
  agent.destroy();
  if (wrong.length > 0)
    throw new Error(`${wrong.length} were answered 500, the first ${wrong[0]?.slice(0, 300)}`);
}

/** Made of what a listener says of itself. */
async function requestsFor(port: number, seed: number): Promise<Generator<Malformed, never>> {
  const document = await (await fetch(`http://127.0.0.1:${port}/api-docs/openapi.json`)).json();
  return malformed(document as Described, seed);
}

/** The status of the answer; 0 if there is none. */
function askHttp(
  port: number,
  signal: AbortSignal,
  { method, path, headers, body }: Malformed,
  agent: Agent,
): Promise<number> {
  return new Promise((resolve) => {
    const options = {
      host: "127.0.0.1",
      port,
      method,
      path,
      headers,
      agent,
      signal,
      timeout: 2_000,
    };
    const asked = request(options, (response) => {
      response.resume();
      response.once("close", () => resolve(response.statusCode ?? 0));
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(0));
    asked.end(body);
  });
}

function askGrpc(port: number, { method, path, headers, body }: Malformed): Promise<number> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`).once("error", () => resolve(0));
    const stream = session.request({ ...headers, ":method": method, ":path": path });
    let status = 0;
    stream.once("response", (head) => {
      status = Number(head[":status"] ?? 0);
      // INTERNAL and UNKNOWN, which are what 500 is over HTTP.
      if (["13", "2"].includes(String(head["grpc-status"]))) status = BUG;
    });
    stream
      .once("error", () => undefined)
      .once("close", () => {
        session.destroy();
        resolve(status);
      });
    stream.setTimeout(2_000, () => stream.close());
    stream.resume().end(body);
  });
}
