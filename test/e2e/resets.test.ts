/** Who opens streams and resets them, once they are answered, ends its own connection and nothing else. */
import { afterAll, expect, test } from "vitest";
import { limits } from "#limits/index";
import { paths } from "../hostile/raw/paths.js";
import {
  END_STREAM,
  envelope,
  frame,
  frameTypes,
  RawHttp2,
  requestHeaders,
} from "../hostile/raw/raw-http2.js";
import { Stage, until } from "./kit/harness.js";

const CANCEL = Buffer.from([0, 0, 0, 8]);
/** As many as one connection may have open. */
const STREAMS = limits.streamsPerClientConnection;
const ROUNDS = 8;
/** A server that has ended the connection needs none of it, also on a busy machine. */
const CLOSED_MS = 20_000;

const stage = new Stage();
afterAll(() => stage.end());

test.each(["addr", "httpAddr"] as const)(
  "a server outlives streams that are reset (%s)",
  async (listener) => {
    const server = await stage.server();
    const http2 = new RawHttp2(Number(server[listener].split(":").at(-1)));
    for (let round = 1; round <= ROUNDS && !http2.isClosed; round++) {
      const ids = Array.from({ length: STREAMS }, () => http2.request(requestHeaders(paths.healthWatch)));
      for (const id of ids) http2.data(id, envelope(Buffer.alloc(0)), END_STREAM);
      // A stream is refused that comes before the server has let go of those that were reset.
      const heard = () => http2.heardFrames(frameTypes.data) + http2.heardFrames(frameTypes.reset);
      const answered = () => http2.isClosed || heard() >= round * STREAMS;
      await until("all streams are answered, or ended with their connection", answered, CLOSED_MS);
      for (const id of ids) http2.write(frame(frameTypes.reset, 0, id, CANCEL));
    }

    await until("the connection is ended", () => http2.isClosed, CLOSED_MS);
    expect(await server.page("/health/live")).toContain('"alive"');
    expect(await server.metrics()).toMatch(/^taskrun_connections_ended_total\{.*cause="resets".*\} 1$/m);
  },
);
