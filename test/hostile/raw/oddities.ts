import { paths } from "./paths.js";

const post = (headers: string) =>
  `POST ${paths.unary} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}\r\n`;
const chunked = post("transfer-encoding: chunked\r\n");

/** What a client may write on a plain port, by what is odd about it. */
export const oddities: Readonly<Record<string, Buffer | string>> = {
  pipelined: "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(5_000),
  pipelinedUnfinished: `${post("content-length: 2\r\n")}{}`.repeat(500),
  tinyChunks: chunked + "1\r\n \r\n".repeat(50_000),
  chunkExtensions: `${chunked}1;${"x".repeat(60_000)}\r\n \r\n`,
  longTrailers: `${chunked}2\r\n{}\r\n0\r\n${"x: y\r\n".repeat(10_000)}\r\n`,
  expects: `${post("content-length: 2\r\nexpect: 100-continue\r\n")}{}`,
  expectsOther: post("content-length: 2\r\nexpect: miracles\r\n"),
  upgradesToHttp2:
    "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
  upgradesToWebSocket:
    "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  connects: "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n",
  speaksTls: Buffer.from("16030100a5010000a10303".padEnd(340, "5a"), "hex"),
  longUrl: `GET /${"x".repeat(60_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
  manyHeaders: `GET / HTTP/1.1\r\nhost: localhost\r\n${"x:y\r\n".repeat(2_000)}\r\n`,
  twoLengths: `${post("content-length: 2\r\ncontent-length: 3\r\n")}{}`,
  lengthAndChunks: `${post("content-length: 2\r\ntransfer-encoding: chunked\r\n")}0\r\n\r\n`,
  negativeLength: post("content-length: -1\r\n"),
  hugeLength: post("content-length: 99999999999999999999\r\n"),
  noHost: "GET / HTTP/1.1\r\n\r\n",
  zeros: Buffer.alloc(100_000),
};
