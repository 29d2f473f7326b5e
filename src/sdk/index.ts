/**
 * What `import "@taskrun/sdk"` gives: the client SDK and the Worker SDK together. Where both export a type of the same name
 * it is the Worker SDK's; the other one is in `@taskrun/sdk/client`.
 */
export * from "#client/index";
export type { Agent, AgentEvent, AgentRetry } from "#worker/index";
export * from "#worker/index";
