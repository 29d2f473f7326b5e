/** Routes that change nothing, and of which nothing is written into the audit log. */
export const readingRoutes = [
  "/",
  "/api-docs/openapi.json",
  "/api-docs/ui",
  "/api-docs/ui/{file}",
  "/docs",
  "/health",
  "/health/live",
  "/health/ready",
  "/inspect",
  "/inspect/dagre.js",
  "/inspect/events",
  "/inspect/tasks/{id}/events",
  "/inspect/{folder}/{file}",
  "/metrics",
  "/v1/tasks/{id}/events",
  "/v1/tasks/{id}/output",
] as const;
