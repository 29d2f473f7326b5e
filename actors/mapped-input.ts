import type { InputMapping, MappedPart } from "#domain/graph/input-mapping";
import { fillMapping, type MappedInput } from "#domain/graph/mapped-input";
import { type StepKey, stepKey, type TaskId } from "#domain/id";
import { SliceReader } from "#domain/json/slice-reader";
import type { Needs } from "#domain/needs";
import type { StepRow } from "#domain/task/step";
import { limits } from "#limits/index";
import type { MessageView } from "./view.js";

/** The texts that mapped inputs are made of. */
export type MappedTexts = Pick<MessageView, "input" | "output" | "stepInput">;

/** Readers of texts by what they belong to, shared by the Steps of one turn: the members of a map read the same texts. */
export type SliceReaders = Map<string, SliceReader>;

/** The texts that a Step's mapping reads, beside the Step's own input. */
export function mappingNeeds(
  mapping: InputMapping,
  taskId: TaskId,
): { inputs: TaskId[]; outputs: StepKey[] } & Needs {
  const { parts } = mapping;
  return {
    inputs: parts.some(({ source }) => source === "input") ? [taskId] : [],
    outputs: sourceSteps(mapping, taskId),
  };
}

/** The Steps whose results a mapping reads. */
export function sourceSteps({ parts, resultsOf }: InputMapping, taskId: TaskId): StepKey[] {
  const names = new Set(parts.flatMap(({ source, stepName }) => (source === "result" ? stepName : [])));
  return [...names].map((stepName) => ({ taskId: resultsOf ?? taskId, stepName }));
}

/** The input that a Step's mapping makes, once its texts are loaded. */
export function mappedInputOf(
  { taskId, name }: StepRow,
  mapping: InputMapping,
  texts: MappedTexts,
  readers: SliceReaders = new Map(),
): MappedInput {
  return fillMapping(mapping, (part) => {
    if (part.source === "input") return readerOf(taskId, texts.input(taskId), readers);
    if (part.source !== "result") return memberReader(texts.stepInput({ taskId, stepName: name }), part);
    const key = { taskId: mapping.resultsOf ?? taskId, stepName: part.stepName };
    return readerOf(stepKey(key), texts.output(key), readers);
  });
}

/** No reader if there is no text: the Step had no result, or its failure was tolerated. */
function readerOf(key: string, text: string | undefined, readers: SliceReaders): SliceReader | undefined {
  if (!text) return undefined;
  const known = readers.get(key);
  if (known) return known;
  const made = new SliceReader(text);
  readers.set(key, made);
  return made;
}

/** The item of a member of a map, or its index, lies in its own input. */
function memberReader(own: string | undefined, { source }: MappedPart): SliceReader | undefined {
  const text = own === undefined ? undefined : new SliceReader(own).at([source]);
  return text === undefined ? undefined : new SliceReader(text);
}

/** What the mapped input may weigh, by rows alone: the size of each source, as often as it is read; the largest if it is unknown. */
export function mappedWeight(
  { taskId }: StepRow,
  { pieces, parts, resultsOf }: InputMapping,
  inputBytes: number,
  view: Pick<MessageView, "step">,
): number {
  const texts = pieces.reduce((sum, { length }) => sum + length, 0);
  return parts.reduce((sum, { source, stepName }) => {
    if (source === "input") return sum + inputBytes;
    if (source !== "result") return sum; // a part of its own input, which is counted anyway
    const step = view.step({ taskId: resultsOf ?? taskId, stepName });
    return sum + (step?.outputBytes ?? limits.resultBytes);
  }, texts);
}
