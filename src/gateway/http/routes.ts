import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { pageDocumentation } from "../openapi/page-documentation.js";
import { apiDocsRoutes } from "../openapi/viewer-page.js";
import type { RestOperation } from "../rest/operation.js";
import { askedOf, restPage } from "../rest/page.js";
import { readRules, ruleOperations } from "../rest/rule-operations.js";
import { logOperations } from "../rest/task-log.js";
import type { Rpc, Served } from "../rpc.js";
import { healthRoutes } from "../tasker/rest/health-pages.js";
import { taskerOperations } from "../tasker/rest/index.js";
import type { OpenStreams } from "../traffic/streams.js";
import { enrollPage } from "./enroll-page.js";
import { type InspectParts, inspectRoutes } from "./inspect.js";
import { type MetricsSource, type Page, pageRoutes } from "./pages.js";
import { varyBy } from "./response.js";
import { type Route, Router } from "./router.js";
import type { HttpHandler } from "./serve.js";
import { EVENTS_VARY, eventsPage, wantsEvents } from "./sse.js";
import { taskEvents } from "./task-events.js";

export interface RouteParts {
  /** Of an rpc every method is accepted: which ones are allowed depends on the protocol. */
  readonly handlers: readonly UniversalHandler[];
  /** The same, for operations on paths. */
  readonly rpcs: readonly Rpc[];
  readonly metrics: MetricsSource;
  readonly served: Served;
  readonly streams: OpenStreams;
  readonly inspection: InspectParts["hub"] | undefined;
}

/** All paths that HTTP serves. */
export function routerOf(parts: RouteParts): Router<HttpHandler> {
  const { handlers, metrics, served, streams, inspection: hub } = parts;
  const pages = [
    ...pageRoutes(metrics),
    ...healthRoutes(served),
    ...logRoutes(parts),
    { methods: ["POST"], path: "/v1/enroll", handler: enrollPage(served) },
    ...(hub ? inspectRoutes({ hub, served, streams }) : []),
    ...apiDocsRoutes(() => router.routes),
  ];
  const router: Router<HttpHandler> = new Router<HttpHandler>([
    ...handlers.map((handler): Route<HttpHandler> => {
      return { methods: "*", path: handler.requestPath, handler: { kind: "rpc", handler } };
    }),
    ...pages.map(pageHandler),
    ...restRoutes(parts),
  ]);
  return router;
}

/** A page as a router takes it; the policy knows it by its path. */
export function pageHandler({ handler: page, ...route }: Route<Page>): Route<HttpHandler> {
  const { path, documentation = pageDocumentation[path] } = route;
  return { ...route, documentation, handler: { kind: "page", page, asked: path } };
}

/** The rpcs as operations on paths, with JSON in and out, and those of Tasker. */
function restRoutes(parts: RouteParts): Route<HttpHandler>[] {
  return operationRoutes([...ruleOperations(readRules(), parts.rpcs), ...taskerOperations], parts);
}

/** Operations as a router takes them; the policy knows each by its own name, or by that of its rpc. */
export function operationRoutes(
  operations: readonly RestOperation[],
  { rpcs, served, streams }: RouteParts,
): Route<HttpHandler>[] {
  return operations.map((operation) => {
    const page = restPage(operation, { rpcs, served, streams });
    const { path, documentation } = operation;
    return {
      methods: methodsOf(operation),
      path,
      documentation,
      handler: { kind: "page", page, asked: askedOf(operation) },
    };
  });
}

/** What is read can be asked for its headers alone. */
function methodsOf({ method }: RestOperation): readonly string[] {
  return method === "GET" ? ["GET", "HEAD"] : [method];
}

/** The routes of Tasks' logs: as a stream for who reads one, as JSON for everybody else. */
function logRoutes(parts: RouteParts): Route<Page>[] {
  const { events, output } = logOperations(parts.rpcs);
  const { path } = events;
  const asJson = restPage(events, parts);
  const asEvents = eventsPage({ name: "taskrun.v1.TaskService/WatchTask", path }, taskEvents, parts);
  return [
    {
      methods: methodsOf(events),
      path,
      handler: (call) => {
        varyBy(call.response, EVENTS_VARY);
        return wantsEvents(call.request) ? asEvents(call) : asJson(call);
      },
    },
    {
      methods: methodsOf(output),
      path: output.path,
      documentation: output.documentation,
      handler: restPage(output, parts),
    },
  ];
}
