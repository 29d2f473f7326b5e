/**
 * The inner contract: the machines, what each can be told, and the closed list of what they may ask
 * for. Pure: no clock, no chance, no Node. Start with `commands.ts`, then any `messages.ts`.
 */
export {
  type ActorName,
  type AddressedMessage,
  type Answer,
  type Command,
  commands,
  type RefusalCause,
} from "./commands.js";
export {
  definitions,
  type MachineDefinition,
  type StateDefinition,
  type Timeout,
  type TransitionDefinition,
  timeouts,
} from "./definitions.js";
export type { ActorLife, ActorState, Stamped } from "./life.js";
export { type MachineId, machines } from "./machines.js";
export { runMachine } from "./run/machine.js";
export type { RunMessage } from "./run/messages.js";
export type { RunTrackerEvent } from "./run-tracker/handler.js";
export { runTrackerMachine } from "./run-tracker/machine.js";
export type { RunTrackerMessage } from "./run-tracker/messages.js";
export type { SchedulerEvent } from "./scheduler/handler.js";
export { schedulerMachine } from "./scheduler/machine.js";
export type { SchedulerMessage } from "./scheduler/messages.js";
export { stepMachine } from "./step/machine.js";
export type { StepMessage } from "./step/messages.js";
export { taskMachine } from "./task/machine.js";
export type { TaskMessage } from "./task/messages.js";
export type { TaskFinalizerEvent } from "./task-finalizer/handler.js";
export { taskFinalizerMachine } from "./task-finalizer/machine.js";
export type { TaskFinalizerMessage } from "./task-finalizer/messages.js";
export type { TaskRequestEvent } from "./task-request/handler.js";
export { taskRequestMachine } from "./task-request/machine.js";
export type { TaskRequestMessage } from "./task-request/messages.js";
export { workerMachine } from "./worker/machine.js";
export type { WorkerMessage } from "./worker/messages.js";
