/** What the addresses of other systems serve over HTTP, where that is not what all other addresses do. */
import type { CompatName } from "#domain/compat";
import { pageRoutes } from "./http/pages.js";
import { Router } from "./http/router.js";
import { pageHandler, type RouteParts } from "./http/routes.js";
import type { HttpHandler } from "./http/serve.js";

/** The paths of each such system. What a gRPC client of it calls is in the table of all handlers (`handlers/index.ts`). */
export const compatRouters = {
  /** No rpcs and no operations of ours: some of its paths are theirs too, with other answers. */
  "tasker-worker": ({ served, metrics }) =>
    new Router(
      pageRoutes(served.health, metrics)
        .filter(({ path }) => path !== "/")
        .map(pageHandler),
    ),
} as const satisfies Partial<Record<CompatName, (parts: RouteParts) => Router<HttpHandler>>>;
