import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { RunClientMessageSchema, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import type { Mount } from "./mounts.js";
import type { Opened } from "./open.js";

/** What tests of worker streams say, and how they listen to what comes of it. */
export type Payload = NonNullable<
  Exclude<MessageInitShape<typeof RunClientMessageSchema>, { $typeName: string }>["payload"]
>;

export const said = (...payloads: Payload[]): Message[] =>
  payloads.map((payload) => create(RunClientMessageSchema, { payload }));

export const hello = (protocol: 0 | 1, info: object = {}): Payload => ({
  case: "hello",
  value: {
    info: { workerId: "w-1", ...info },
    protocol,
    instance: "i",
    resume: [{ runId: "r", fence: 2, nextSeq: 3n }],
  },
});

/** Speaks, and answers with how the stream ended. */
export async function ending(mount: Mount, ...payloads: Payload[]): Promise<string> {
  const { error } = await mount.call(RunService.method.streamConnect, said(...payloads), 1);
  return `${error?.code} ${error?.fields.join()}: ${error?.message}`;
}

interface Heard {
  readonly opened: Opened;
  readonly mount: Mount;
}

/** Speaks until the plane has heard as many reports as were said, and answers with them. */
export async function heard({ opened, mount }: Heard, ...payloads: Payload[]) {
  opened.plane.onReport = (_, sink) => {
    if (opened.plane.reports.length === payloads.length) sink.send({ type: "drain", reason: "enough" });
  };
  await mount.call(RunService.method.streamConnect, said(...payloads), 1);
  return opened.plane.reports;
}
