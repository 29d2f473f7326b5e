import { create, type DescMethod, type Message, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rpcs, services } from "#gateway/handlers/index";
import { workerView } from "./kit/fake-plane.js";
import { allMounts, type Mount, type Seen } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";
import { answerWorkers, nameOf, prepare, samples } from "./kit/samples.js";

const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);

let opened: Opened;
let mounts: readonly Mount[];

beforeAll(async () => {
  opened = await open();
  mounts = allMounts(opened);
  const { plane } = opened;
  plane.views.push(workerView("w-1"));
  answerWorkers(plane);
});

afterAll(async () => {
  for (const mount of mounts) mount.close();
  await opened.gateway.close(1_000);
});

test("the table serves exactly the rpcs that the protocols declare", () => {
  const served = rpcs.map(({ method }) => nameOf(method));

  expect(served.toSorted()).toEqual(methods.map(nameOf).toSorted());
  expect(Object.keys(samples).toSorted()).toEqual(served.toSorted());
});

/** What of the answers differs from call to call, made equal; and what is long, made short. */
function comparable({ output }: DescMethod, answers: readonly Message[]): string {
  const texts = answers.map((answer) => toJsonString(output, answer).replaceAll(/id-\d+/g, "id-N"));
  return texts.map((text) => (text.length < 2_000 ? text : `${text.length} characters`)).join("\n");
}

/** What one mount answers. HTTP/1.1 answers a stream of requests only when all has been asked. */
async function ask(mount: Mount, method: DescMethod): Promise<Seen | undefined> {
  if (method.methodKind === "bidi_streaming" && mount.name === "connect over HTTP/1.1") return undefined;
  const sample = samples[nameOf(method)];
  await prepare(opened.plane);
  return mount.call(method, [create(method.input, sample?.request) as Message], sample?.atMost);
}

describe.each(methods.map((method) => [nameOf(method), method] as const))("%s", (_, method) => {
  test("answers the same over every mount that can carry it", async () => {
    const seen = new Map<string, string>();
    for (const mount of mounts) {
      const answered = await ask(mount, method);
      if (!answered) continue;
      const { answers, error } = answered;
      seen.set(mount.name, comparable(method, answers) + (error ? JSON.stringify(error) : ""));
    }

    const [first = ""] = seen.values();
    expect([...seen]).toEqual([...seen.keys()].map((mount) => [mount, first]));
    expect(first).toMatchSnapshot();
  });
});

test("every request is counted by rpc, listener and code, and no bug was logged", async () => {
  const seen = () =>
    new Set(
      opened.counted
        .filter((counted) => counted.name === "taskrun_requests_total")
        .map(({ labels }) => `${labels?.rpc} ${labels?.door}`),
    );

  for (const method of methods) for (const mount of mounts) await ask(mount, method);

  await expect.poll(() => seen().size).toBe(methods.length * 3);
  expect(opened.errors).toEqual([]);
});
