import { request } from "node:http";
import { connect } from "node:http2";

/** What came back, whatever the protocol: gRPC's status or HTTP's, and all that was said beside it. */
export interface RawAnswer {
  readonly status: string;
  readonly text: string;
}

/** One request over HTTP/2, as bytes. */
export function rawCall(
  port: number,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const session = connect(`http://127.0.0.1:${port}`);
  return new Promise<RawAnswer>((resolve, reject) => {
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, te: "trailers", ...headers });
    let said: Record<string, unknown> = {};
    const chunks: Buffer[] = [];
    stream.on("response", (answer) => {
      said = { ...said, ...answer };
    });
    stream.on("trailers", (trailers) => {
      said = { ...said, ...trailers };
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => undefined);
    stream.on("close", () => {
      const content = Buffer.concat(chunks).toString("latin1");
      const [, inBody] = /grpc-status: ?(\d+)/.exec(content) ?? [];
      const status = String(said["grpc-status"] ?? inBody ?? said[":status"] ?? `reset ${stream.rstCode}`);
      resolve({ status, text: decodeURIComponent(`${said["grpc-message"] ?? ""} `) + decoded(content) });
    });
    stream.end(body);
  }).finally(() => session.destroy());
}

/** All that a peer gets: its headers and trailers together, and the bytes between. */
export interface WholeAnswer {
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

/** One request over HTTP/2. @param open true to leave the request unfinished */
export function rawAnswer(
  port: number,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  open = false,
): Promise<WholeAnswer> {
  const session = connect(`http://127.0.0.1:${port}`);
  return new Promise<WholeAnswer>((resolve, reject) => {
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, te: "trailers", ...headers });
    const all: Record<string, unknown> = {};
    const chunks: Buffer[] = [];
    stream.on("response", (answer) => Object.assign(all, answer));
    stream.on("trailers", (trailers) => Object.assign(all, trailers));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => undefined);
    // A server that lets the request wait would have the test wait for as long.
    stream.setTimeout(5_000, () => stream.close());
    stream.on("end", () => resolve({ headers: all, body: Buffer.concat(chunks) }));
    stream.on("close", () => resolve({ headers: all, body: Buffer.concat(chunks) }));
    if (open) stream.write(body);
    else stream.end(body);
  }).finally(() => session.destroy());
}

/** One request over HTTP/1.1. */
export function rawPost(
  port: number,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, method: "POST", headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          resolve({ status: String(response.statusCode), text: Buffer.concat(chunks).toString() });
        });
        response.on("error", reject);
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
