import { Fault } from "#domain/fault";
import type { StepRow } from "#domain/task/step";
import { misfitOf, type SchemaProblem, schemaReason } from "#domain/template/verdict";

/** Refuses a client's value for a Step that does not fit the schema of its result. */
export function unfit(field: string, { name }: StepRow, problem: SchemaProblem): Fault {
  const reason = schemaReason(problem);
  const message = misfitOf(field, `result_schema of step "${name}"`, problem);
  return new Fault("invalid", message, { field, ...(reason && { reason }) });
}
