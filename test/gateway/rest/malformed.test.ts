/** Every operation on a path with bodies, queries and headers that are wrong. `npm run test:hostile` sends more, to a real server. */
import { Agent, request } from "node:http";
import { expect, test } from "vitest";
import { type Described, type Malformed, malformed } from "../../hostile/malformed.js";
import { open } from "../kit/open.js";

const REQUESTS = 2_000;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

interface Got {
  readonly status: number;
  readonly text: string;
}

/** A connection that the server is about to close may be taken for another request: that one is sent again, on one of its own. */
async function ask(port: number, asked: Malformed): Promise<Got> {
  const got = await send(port, asked, agent);
  return got.status === 0 ? send(port, asked, false) : got;
}

function send(port: number, { method, path, headers, body }: Malformed, by: Agent | false): Promise<Got> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers, agent: by }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.once("error", () => resolve({ status: 0, text: "" }));
    asked.end(body);
  });
}

test("malformed requests are refused in words, nothing fails inside, and nothing is done", async () => {
  const opened = await open();
  const document = await (await fetch(`http://127.0.0.1:${opened.httpPort}/api-docs/openapi.json`)).json();
  const requests = malformed(document as Described, 7);
  const statuses = new Map<number, number>();
  for (let i = 0; i < REQUESTS; i += 8) {
    const asked = Array.from({ length: 8 }, () => requests.next().value);
    const answers = await Promise.all(asked.map((each) => ask(opened.httpPort, each)));
    for (const [k, { status, text }] of answers.entries()) {
      const what = `${asked[k]?.method} ${asked[k]?.path} ${JSON.stringify(asked[k]?.headers)} ${asked[k]?.body?.slice(0, 200)}\n${text.slice(0, 300)}`;
      expect(status, what).not.toBe(500);
      // Only who sends more than can be read is hung up on.
      if (status === 0) expect(what.length, what).toBeGreaterThan(9_000);
      if (status === 400 && asked[k]?.method !== "HEAD") expect(text.length, what).toBeGreaterThan(20);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  agent.destroy();
  await opened.gateway.close(1_000);
  expect(opened.errors).toEqual([]);
  expect(opened.plane.drafts).toEqual([]);
  expect(opened.plane.said).toEqual([]);
  for (const status of [200, 400, 404, 405]) expect(statuses.get(status), `${status}`).toBeGreaterThan(10);
});
