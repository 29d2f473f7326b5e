/**
 * Test tools. For users of TaskRun: an agent without a plane, and a plane in virtual time. For authors of adapters: virtual
 * time, transcripts of machines, and the suites that every store and every broker must pass.
 */
export type { AgentJournalRecord, AgentRecord, AgentRun, RunAgentOptions } from "./agent-run.js";
export * from "./broker-suite/index.js";
export {
  NotEnded,
  type ScriptedFailure,
  type TestPlane,
  type TestPlaneOptions,
  type TestWorker,
  type TestWorkerOptions,
  type TestWorkerState,
  testPlane,
} from "./plane/index.js";
export { runAgent } from "./run-agent.js";
export * from "./store-suite/index.js";
export * from "./store-suite/nodes/index.js";
export { type AddressedMessage, play, playFrom, stateText } from "./transcript.js";
export { seededEntropy, settle, VirtualClock } from "./virtual-time.js";
