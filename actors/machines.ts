import type { AnyStateMachine } from "xstate";
import { runMachine } from "./run/machine.js";
import { runTrackerMachine } from "./run-tracker/machine.js";
import { schedulerMachine } from "./scheduler/machine.js";
import { stepMachine } from "./step/machine.js";
import { taskMachine } from "./task/machine.js";
import { taskFinalizerMachine } from "./task-finalizer/machine.js";
import { taskRequestMachine } from "./task-request/machine.js";
import { workerMachine } from "./worker/machine.js";

/** Every machine there is, by its id: the four lifecycles, then the four actors. */
export const machines = {
  task: taskMachine,
  step: stepMachine,
  run: runMachine,
  worker: workerMachine,
  "task-request": taskRequestMachine,
  scheduler: schedulerMachine,
  "run-tracker": runTrackerMachine,
  "task-finalizer": taskFinalizerMachine,
} as const satisfies Readonly<Record<string, AnyStateMachine>>;

export type MachineId = keyof typeof machines;
