/**
 * The embedded plane: store, plane, gateway, client and workers in a process of the host's, joined by one call and taken
 * down by another, in the opposite order.
 */
import type { Transport } from "@connectrpc/connect";
import { CredentialWakes } from "#brokers/credential-wakes";
import { serverBroker } from "#brokers/server-broker";
import { clientOn } from "#client/client";
import type { TaskRunClient } from "#client/index";
import type { ServerConfig } from "#config/index";
import { type ControlPlane, type ControlPlaneParts, startControlPlane, watchTemplates } from "#control-plane";
import type { HandlerOptions, RequestHandler } from "#gateway/http/handler";
import type { Gateway } from "#gateway/server";
import { recordRestoration } from "#host/audit/restored";
import { factsOf } from "#host/server-facts";
import { type NodeTelemetry, nodeTelemetry } from "#host/telemetry";
import { InspectionHub } from "#inspect/hub";
import { InspectionObserver } from "#inspect/observer";
import { limits } from "#limits/index";
import { openBooks, planeSettings } from "#plane-settings";
import type { AuditTrail } from "#ports/audit";
import { type Inspection, noInspection } from "#ports/inspection";
import { traced } from "#tracing/open";
import { sharedConnection } from "#transport/shared";
import type { WorkerHandle } from "#worker/index";
import { type Checked, checkedOptions } from "./checks.js";
import { admittedOf, Edge } from "./edge.js";
import type { Listening, ListenOptions, TaskRunOptions, WorkerOptions } from "./options.js";
import { registerAll } from "./templates.js";
import { optionsOf } from "./values.js";
import { LocalWorkers } from "./workers.js";

export type { Listening, ListenOptions, TaskRunOptions, WorkerOptions } from "./options.js";

/**
 * A control plane in this process, returned by {@link startTaskRun}.
 *
 * @example
 * ```ts
 * import { startTaskRun, type TaskRun } from "taskrun";
 *
 * async function greet({ client }: TaskRun, name: string): Promise<unknown> {
 *   return client.tasks.run({ agent: "greet", input: { name } });
 * }
 *
 * const taskrun = await startTaskRun();
 * console.log(await greet(taskrun, "Ada"));
 * await taskrun.stop();
 * ```
 */
export interface TaskRun {
  /** The client that `createClient` gives, without a socket: the same methods, checks and errors. */
  readonly client: TaskRunClient;
  /** Resolves with the reason if the plane cannot go on, for example because the disk has failed. Then stop it. */
  readonly failed: Promise<Error>;
  /**
   * Serves agents by a worker in this process, with the leases, credit and limits of any worker. Resolves once it is
   * connected.
   *
   * @throws {TypeError | RangeError} naming the option that is wrong
   */
  serve(options: WorkerOptions): Promise<WorkerHandle>;
  /**
   * A handler `(request, response, next?)` for a server of yours over HTTP/1.1 or HTTP/2, which serves Connect, gRPC-Web,
   * gRPC, health and metrics under a prefix.
   *
   * @throws {TypeError | Fault} naming the option that is wrong
   */
  handler(options?: HandlerOptions): RequestHandler;
  /**
   * Listens on addresses of its own, for workers and clients of other processes. May be called again.
   *
   * @returns the addresses that were bound
   * @throws {TypeError | RangeError} naming the option that is wrong
   * @throws {Fault} for an address that must not be used, or cannot be bound, or for files that cannot be used; then none of these
   *   stays open
   */
  listen(options: ListenOptions): Promise<Listening>;
  /**
   * Takes no new Tasks, lets the workers of this process finish their Runs or hand them back, lets requests finish, ends
   * streams, and closes listeners and store. Bounded. A second call waits for the first.
   */
  stop(): Promise<void>;
}

/**
 * Starts a control plane in this process, by default over SQLite in the folder `.taskrun`. It keeps the process alive until
 * it is stopped.
 *
 * @throws {TypeError | RangeError} naming the option that is wrong
 * @throws {Fault} if the store cannot be opened, e.g. reason `STORE_LOCKED`
 * @throws {TaskRunError} if a template is refused. Whatever it throws, nothing stays open
 *
 * @example
 * ```ts
 * import { startTaskRun } from "taskrun";
 * import { agent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const greet = agent({
 *   name: "greet",
 *   input: z.object({ name: z.string() }),
 *   run: async ({ name }) => ({ greeting: `Hello, ${name}!` }),
 * });
 * const taskrun = await startTaskRun({ agents: [greet] });
 * console.log(await taskrun.client.tasks.run({ agent: "greet", input: { name: "Ada" } }));
 * await taskrun.stop();
 * ```
 */
export async function startTaskRun(options: TaskRunOptions = {}): Promise<TaskRun> {
  const checked = checkedOptions(options);
  const closers: Closer[] = [];
  try {
    return await start(checked, closers);
  } catch (error) {
    await closeAll(closers).catch(() => undefined);
    throw error;
  }
}

/** Takes down one part. */
type Closer = () => void | Promise<void>;

/** Takes all parts down, the last first, even if one of them fails. @throws the first error */
async function closeAll(closers: readonly Closer[]): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** A timer that does nothing, so that the process lives as long as the plane, whatever else waits. */
const FOREVER_MS = 2 ** 31 - 1;

async function start(checked: Checked, closers: Closer[]): Promise<TaskRun> {
  const { log, templates, agents, drainMs } = checked;
  const alive = setInterval(() => {}, FOREVER_MS);
  closers.push(() => clearInterval(alive));
  const metrics = nodeTelemetry({ log, registry: checked.registry, measuresProcess: false });
  closers.push(() => metrics.close());
  const traces = await checked.openTraces(log, metrics.count);
  closers.push(() => traces?.close());
  const telemetry = traced(metrics, traces);
  // Loading the gateway takes as long as opening a large store, which goes on in threads meanwhile.
  const loading = import("#gateway/server");
  loading.catch(() => {});
  const wakes = new CredentialWakes(serverBroker(checked.store, checked.url, telemetry.log));
  const { broker } = wakes;
  const { audit, archive, prices } = await openBooks(checked.store, bookSettings(checked), telemetry);
  const inspection = inspectionOf(checked, telemetry, closers);
  const control = await openPlane(checked, {
    ...{ telemetry, inspection, prices },
    ...(archive && { archive }),
    ...(broker && { broker }),
    ...(audit && { audit }),
  });
  closers.push(() => control.stop());
  await recordRestoration(audit?.log, checked.store.audit, control.restored);
  const gateway = await openMounts(await loading, checked, control, telemetry, audit?.log);
  closers.push(() => gateway.close(limits.drain));
  const client = clientOf(gateway.transport, checked);
  await registerAll(templates.sources, client, log);
  if (templates.folder !== undefined) {
    const folder = await watchTemplates(templates.folder, control);
    closers.push(() => folder.stop());
  }
  const workers = new LocalWorkers({ transport: gateway.transport, log, drainMs });
  closers.push(() => workers.stop());
  if (agents.length > 0) await workers.serve({ agents });

  const edge = new Edge({
    plane: control.plane,
    gateway,
    checked,
    telemetry,
    wakes,
    audit: audit?.log,
    closers,
  });

  let stopping: Promise<void> | undefined;
  return {
    client,
    failed: control.failed,
    serve: (options) => workers.serve(options),
    handler: (options) => gateway.handler(handlerOptions(options)),
    listen: async (options) => edge.listen(options),
    stop: () => {
      if (!stopping) {
        control.drain();
        stopping = closeAll(closers);
      }
      return stopping;
    },
  };
}

/** Whom the plane tells what it does. The last to be closed, so that it hears of the plane's end. */
function inspectionOf({ inspect, config }: Checked, telemetry: NodeTelemetry, closers: Closer[]): Inspection {
  if (!inspect) return noInspection;
  const hub = new InspectionHub({ telemetry, payloads: config.inspectPayloads });
  const observer = new InspectionObserver(inspect, { hub, log: telemetry.log });
  closers.push(() => observer.stop());
  return hub;
}

/** In a directory that is not the plane's own the audit log writes nothing unless it is told where. */
function bookSettings({ config, hasData }: Checked): ServerConfig {
  return { ...config, store: hasData ? "sqlite" : "memory" };
}

async function openPlane(
  { config, store }: Checked,
  parts: Pick<ControlPlaneParts, "inspection" | "broker" | "audit" | "archive" | "prices"> & {
    readonly telemetry: NodeTelemetry;
  },
): Promise<ControlPlane> {
  const control = await startControlPlane({ store, ...planeSettings(config), ...parts });
  const { clock } = control.plane.health;
  if (clock) parts.telemetry.log.warn(clock.message);
  return control;
}

function openMounts(
  { openGateway }: typeof import("#gateway/server"),
  { config, store, url, hasData }: Checked,
  control: ControlPlane,
  telemetry: NodeTelemetry,
  trail: AuditTrail | undefined,
): Promise<Gateway> {
  const { plane, entropy, schemas } = control;
  const { environment, budgets, orchestratorAgents } = config;
  return openGateway({
    plane,
    entropy,
    telemetry,
    schemas,
    environment,
    budgets,
    orchestratorAgents,
    facts: factsOf({ ...config, store: url || (hasData ? "sqlite" : "memory") }),
    metrics: telemetry.metrics,
    grpc: [],
    ...(trail && store.audit && { audit: { trail, store: store.audit } }),
  });
}

function clientOf(transport: Transport, { client }: Checked): TaskRunClient {
  return clientOn(() => sharedConnection(transport), client);
}

function handlerOptions(given: HandlerOptions | undefined): HandlerOptions {
  const options = optionsOf(given, "options", ["prefix", "allowedHosts", "allowedOrigins"]);
  return { ...options, ...admittedOf(options) };
}
