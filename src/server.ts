/**
 * The server: a plane over its store, and every listener the configuration names, opened one after the other and taken down again in the
 * opposite order.
 */
import { CredentialWakes } from "#brokers/credential-wakes";
import { serverBroker } from "#brokers/server-broker";
import { exposedBy, type ServerConfig } from "#config/index";
import { startControlPlane, watchTemplates } from "#control-plane";
import { LOCAL_CALLER } from "#domain/caller";
import { openEdge } from "#edge";
import type { Bound } from "#gateway/listeners";
import { adminKeyIn } from "#host/access/admin-key";
import type { InForce } from "#host/audit/changes";
import type { ServerAudit } from "#host/audit/open";
import { recordRestoration } from "#host/audit/restored";
import { createLog, logPort } from "#host/log";
import { nodeSelf } from "#host/node-self";
import { nodeTelemetry } from "#host/telemetry";
import { InspectionHub } from "#inspect/hub";
import { connectInspectors } from "#inspect/servers";
import { limits } from "#limits/index";
import { openBooks, planeSettings } from "#plane-settings";
import type { Plane } from "#ports/plane";
import type { Store } from "#ports/store";
import type { Log } from "#ports/telemetry";
import { serverStore } from "#stores/shared/server-store";
import { openTracing, traced } from "#tracing/open";

export interface RunningServer extends Bound {
  /** True if the listeners speak TLS. */
  readonly isTls: boolean;
  /** The file of the first credential; absent if nobody is asked for one, or if another server of the database has it. */
  readonly adminKey?: string;
  /** What clients are given to trust the server's own authority; absent if there is none. */
  readonly caPin?: string;
  /** What an operator should know of the start, a sentence each; empty if all is well. */
  readonly warnings: readonly string[];
  readonly failed: Promise<Error>;
  /** Drains, closes the listeners, closes the store. Bounded; the second call waits for the first. */
  stop(): Promise<void>;
}

/**
 * A whole server: the plane over its store, and every listener the configuration names.
 *
 * @param store what the configuration names, if it is left out; it may be opening already
 * @param around what is served instead of the plane itself
 * @param done what an operator has done to the store before, for the audit log
 * @throws {Fault} if the store or an address cannot be opened; then nothing stays open
 */
export async function startServer(
  config: ServerConfig,
  log?: Log,
  store: Store = serverStore(config),
  around: (plane: Plane) => Plane = (plane) => plane,
  done: readonly InForce[] = [],
): Promise<RunningServer> {
  // Loading the gateway takes as long as opening a large store, which goes on in threads meanwhile.
  const loading = import("#gateway/server");
  loading.catch(() => {});
  const metrics = nodeTelemetry({ log: log ?? logPort(createLog({ level: config.logLevel })) });
  const traces = await serverTraces(metrics, config);
  const telemetry = traced(metrics, traces);
  const hub = new InspectionHub({ telemetry, payloads: config.inspectPayloads });
  const wakes = new CredentialWakes(serverBroker(store, config.store, telemetry.log));
  const { broker } = wakes;
  const { audit, archive, prices } = await openBooks(store, config, telemetry).catch(
    async (error: unknown) => {
      await traces?.close();
      throw error;
    },
  );
  const started = await startControlPlane({
    store,
    ...planeSettings(config),
    ...(archive && { archive }),
    telemetry,
    inspection: hub,
    node: nodeSelf(config.grpc),
    namespaceLimits: config,
    prices,
    ...(broker && { broker }),
    ...(audit && { audit }),
  }).catch(async (error: unknown) => {
    await traces?.close();
    throw error;
  });
  const stopControl = async () => {
    await started.stop();
    await traces?.close();
  };
  const control = { ...started, plane: around(started.plane), stop: stopControl };
  const opening = config.templates === "" ? undefined : watchTemplates(config.templates, control);
  const folder = await opening?.catch(async (error: unknown) => {
    await control.stop();
    throw error;
  });
  const { openGateway } = await loading;
  const takeDown = async (error: unknown) => {
    await folder?.stop();
    await control.stop();
    throw error;
  };
  await recordDone(audit, done).catch(takeDown);
  await recordRestoration(audit?.log, store.audit, started.restored).catch(takeDown);
  const { gateway, tls, access, ...edge } = await openEdge({
    ...{ ...control, config, telemetry, store, wakes, openGateway, hub },
    audit: audit?.log,
  }).catch(takeDown);

  const inspectors = await connectInspectors(config.inspect, { hub, log: telemetry.log });

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    control.drain();
    await folder?.stop();
    await gateway.close(limits.drain);
    await edge.close();
    await control.stop();
    await inspectors.stop();
  };
  return {
    grpc: gateway.grpc,
    http: gateway.http,
    ...(gateway.compat && { compat: gateway.compat }),
    isTls: tls !== undefined,
    ...(access && adminKeyIn(config.data)),
    ...(tls?.pin && { caPin: tls.pin }),
    warnings: warningsOf(control.plane, config),
    failed: control.failed,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Where its traces go; undefined if nobody collects them. */
function serverTraces(telemetry: ReturnType<typeof nodeTelemetry>, { otlp }: ServerConfig) {
  return openTracing({ ...telemetry, otlp, env: process.env, service: "taskrun", hasAgents: false });
}

async function recordDone(audit: ServerAudit | undefined, done: readonly InForce[]): Promise<void> {
  for (const each of done) await audit?.log?.record({ actor: LOCAL_CALLER.principal, ...each });
}

function warningsOf({ health: { clock } }: Plane, config: ServerConfig): string[] {
  const open = exposedBy(config);
  const insecure = `insecure: everybody who reaches ${open.join(", ")} may do everything`;
  return [...(open.length > 0 ? [insecure] : []), ...(clock ? [clock.message] : [])];
}
