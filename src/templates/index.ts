/** Templates: write them in code (`workflow`), read and check them (`readTemplate`), draw them. */
export type { Builder } from "./builder.js";
export { drawTemplate } from "./draw.js";
export { type DrawnStep, type DrawnTask, drawTask } from "./draw-task.js";
export { type Finding, type FindingCode, findingCodes, type Severity } from "./finding.js";
export type { Place } from "./place.js";
export { readTemplate, type TemplateReading } from "./read.js";
export { templateSchema } from "./schema.js";
export { workflow } from "./workflow.js";
export type {
  BatchHandle,
  CompensationHandle,
  StepHandle,
  UndoHandle,
  WorkersHandle,
  WorkflowOptions,
} from "./workflow-options.js";
export type { InputOf, ResultOf, Workflow } from "./workflow-type.js";
