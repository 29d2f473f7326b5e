/** A plane that is served to clients of Tasker, with a worker of ours whose agents do as the test says. */
import type { DescService } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { sharedConnection } from "#transport/shared";
import { BadRequestSchema, ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import type { Agent, WorkerHandle } from "#worker/index";
import { serveOn } from "#worker/serve";
import { as, openWorld, type World } from "../walls/world.js";

export const mine = as("mine");
export const theirs = as("theirs");

export interface TaskerWorld extends World {
  client<Service extends DescService>(service: Service): Client<Service>;
  register(source: string): Promise<void>;
  /** Resolves once the worker is connected. */
  serve(agents: readonly Agent[]): Promise<void>;
}

export async function openTaskerWorld(): Promise<TaskerWorld> {
  const world = await openWorld();
  const workers: WorkerHandle[] = [];
  const client = <Service extends DescService>(service: Service) => createClient(service, world.transport);
  return {
    ...world,
    client,
    register: async (source) => {
      await client(TemplateService).register({ source }, mine);
    },
    serve: async (agents) => {
      const plane = { addr: "this process", connect: () => sharedConnection(transportOf("mine", world)) };
      await new Promise<void>((resolve) => {
        const options = { agents, log: quiet, drainMs: 1_000, handleSignals: false, handleUncaught: false };
        workers.push(serveOn(plane, { ...options, onConnected: () => resolve() }));
      });
    },
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.drain("the test is over")));
      await world.stop();
    },
  };
}

const nothing = () => undefined;
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The transport of somebody: with the header by which the gateway of this world knows who it is. */
function transportOf(who: string, { transport }: World): Transport {
  const named = (header: unknown) => ({ ...(header as object), "x-who": who });
  return {
    unary: (method, signal, timeoutMs, header, message, values) =>
      transport.unary(method, signal, timeoutMs, named(header), message, values),
    stream: (method, signal, timeoutMs, header, messages, values) =>
      transport.stream(method, signal, timeoutMs, named(header), messages, values),
  };
}

/** An error as a client of Tasker sees it: its code, reason, field, and the delay of `retry-after`. */
export async function failureOf(asked: Promise<unknown>) {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => ConnectError.from(reason),
  );
  if (!error) return undefined;
  const [info] = error.findDetails(ErrorInfoSchema);
  const [bad] = error.findDetails(BadRequestSchema);
  return {
    code: error.code,
    reason: info?.reason,
    field: bad?.fieldViolations[0]?.field,
    retryAfter: error.metadata.get("retry-after"),
    message: error.rawMessage,
  };
}
