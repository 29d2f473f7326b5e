/** What the addresses of other systems serve over HTTP, where that is not what all other addresses do. */
import type { CompatName } from "#domain/compat";
import { pageRoutes } from "./http/pages.js";
import { type Route, Router } from "./http/router.js";
import { operationRoutes, pageHandler, type RouteParts } from "./http/routes.js";
import type { HttpHandler } from "./http/serve.js";
import { apiDocsRoutes } from "./openapi/viewer-page.js";
import { workerHealthRoutes } from "./tasker/rest/health-pages.js";
import { workerOperations } from "./tasker/rest/worker.js";

/** The paths of each such system. What a gRPC client of it calls is in the table of all handlers (`handlers/index.ts`). */
export const compatRouters = {
  /** No rpcs and no operations of ours: some of its paths are theirs too, with other answers. */
  "tasker-worker": (parts) => {
    const metrics = pageRoutes(parts.metrics).filter(({ path }) => path === "/metrics");
    const router: Router<HttpHandler> = new Router<HttpHandler>([
      ...workerHealthRoutes(parts.served).map(pageHandler),
      ...metrics.map(pageHandler),
      // Events are among the metrics, and so is what workers do: they have no numbers of their own.
      ...metrics.flatMap((route) => ["/metrics/worker", "/metrics/events"].map((path) => alias(route, path))),
      ...apiDocsRoutes(() => router.routes).map(pageHandler),
      ...operationRoutes(workerOperations, parts),
    ]);
    return router;
  },
} as const satisfies Partial<Record<CompatName, (parts: RouteParts) => Router<HttpHandler>>>;

/** A page under another path, which needs the same. */
function alias(route: Parameters<typeof pageHandler>[0], path: string): Route<HttpHandler> {
  return { ...pageHandler(route), path };
}
