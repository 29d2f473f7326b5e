/** Templates: write them in code (`workflow`), read and check them (`readTemplate`), draw them. */

export type { StandardSchema } from "#standard-schema/types";
export { drawTemplate } from "./draw/draw.js";
export { type DrawnStep, type DrawnTask, drawTask } from "./draw/task.js";
export { templateSchema } from "./format/schema.js";
export { type Finding, type FindingCode, findingCodes, type Severity } from "./read/finding.js";
export type { Place } from "./read/place.js";
export { readTemplate, type TemplateReading } from "./read/read.js";
export type { Builder } from "./workflow/builder.js";
export type {
  BatchHandle,
  CompensationHandle,
  StepHandle,
  UndoHandle,
  WorkersHandle,
  WorkflowOptions,
} from "./workflow/options.js";
export type { InputOf, ResultOf, Workflow } from "./workflow/type.js";
export { workflow } from "./workflow/workflow.js";
