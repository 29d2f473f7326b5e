import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Served } from "../rpc.js";
import type { OpenStreams } from "../traffic/streams.js";
import { enrollPage } from "./enroll-page.js";
import { type InspectParts, inspectRoutes } from "./inspect.js";
import { type MetricsSource, type Page, pageRoutes } from "./pages.js";
import { type Route, Router } from "./router.js";
import type { HttpHandler } from "./serve.js";
import { eventsPage } from "./sse.js";
import { taskEvents } from "./task-events.js";

export interface RouteParts {
  /** Of an rpc every method is accepted: which ones are allowed depends on the protocol. */
  readonly handlers: readonly UniversalHandler[];
  readonly metrics: MetricsSource;
  readonly served: Served;
  readonly streams: OpenStreams;
  readonly inspection: InspectParts["hub"] | undefined;
}

/** All paths that HTTP serves. */
export function routerOf(parts: RouteParts): Router<HttpHandler> {
  const { handlers, metrics, served, streams, inspection: hub } = parts;
  const pages = [
    ...pageRoutes(served.health, metrics),
    ...eventRoutes(served, streams),
    { methods: ["POST"], path: "/v1/enroll", handler: enrollPage(served) },
    ...(hub ? inspectRoutes({ hub, served, streams }) : []),
  ];
  return new Router<HttpHandler>([
    ...handlers.map((handler): Route<HttpHandler> => {
      return { methods: "*", path: handler.requestPath, handler: { kind: "rpc", handler } };
    }),
    ...pages.map(({ handler: page, ...route }): Route<HttpHandler> => {
      return { ...route, handler: { kind: "page", page, path: route.path } };
    }),
  ]);
}

/** The routes of event streams. */
function eventRoutes(served: Served, streams: OpenStreams): Route<Page>[] {
  const watch = "taskrun.v1.TaskService/WatchTask";
  return [
    {
      methods: ["GET"],
      path: "/v1/tasks/{id}/events",
      handler: eventsPage({ name: watch, path: "/v1/tasks/{id}/events" }, taskEvents, { served, streams }),
    },
  ];
}
