import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { checkTries, findRun, reader } from "./find-run.js";

/** A Task's input, unchanged. */
export interface RunInput {
  /** JSON text. */
  readonly inputJson: string;
  /** Its length in UTF-8. */
  readonly inputBytes: number;
}

/** GetRunInput: a Run reads its Task's input. What its Step adds to it is in the assignment. */
export const getRunInput = useCase({
  action: "run.read_input",
  input: reader,
  answerBytes: limits.inputBytes,
  find: findRun,
  perform: async (asked, { services: { inputs } }, { run }): Promise<RunInput> => {
    checkTries(run, asked);
    const { taskId } = run;
    const inputJson = await inputs.read(taskId);
    if (inputJson === undefined) {
      throw new Fault("not_found", `Task ${taskId} has no input any more.`, { reason: "NO_INPUT" });
    }
    return { inputJson, inputBytes: Buffer.byteLength(inputJson) };
  },
});
