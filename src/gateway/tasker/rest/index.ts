import type { RestOperation } from "../../rest/operation.js";
import { createRoute } from "./create.js";
import { deadLetterRoutes } from "./dead-letters.js";
import { operationOf } from "./route.js";
import { serverOperations } from "./server.js";
import { stepRoutes } from "./steps.js";
import { taskRoutes } from "./tasks.js";
import { templateRoutes } from "./templates.js";

/** The operations of Tasker's REST API: its paths, and its answers with ours beside them. */
export const taskerOperations: readonly RestOperation[] = [
  createRoute,
  ...taskRoutes,
  ...stepRoutes,
  ...deadLetterRoutes,
  ...templateRoutes,
]
  .map(operationOf)
  .concat(serverOperations);
