import { Fault } from "#domain/fault";
import { labelsProblem } from "#domain/text/labels";
import { limits } from "#limits/index";
import { jsonProblem } from "../json-text.js";
import { exceeds } from "../validate.js";

/*
 * The limits of what a Worker reports of durable steps and of usage, by the fields that they have in every protocol. What exceeds them
 * ends the Run that it is about, and no other; a report of usage, which no Run's end depends on, is cut or left at 0 instead.
 */

interface SaidRecord {
  readonly name: string;
  readonly entry: number;
  readonly occurrence: number;
  readonly inputDigest: string;
  readonly resultJson: string;
  readonly errorMessage: string;
  readonly wait?: SaidWait | undefined;
}

interface SaidWait {
  readonly defaultJson?: string | undefined;
  readonly child?: SaidChild | undefined;
}

interface SaidChild {
  readonly agentName: string;
  readonly template?: object | undefined;
  readonly inputJson: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly workerSelector: Readonly<Record<string, string>>;
  readonly maxAttempts: number;
}

/** A record of a journal. @throws {Fault} `invalid` */
export function fitRecord<Said extends SaidRecord>(said: Said): Said {
  const { name, entry, occurrence, inputDigest, resultJson, errorMessage, wait } = said;
  if (name === "") refuse("journal.name", "is required: say what the step is called");
  checkSize(name, limits.journalNameBytes, "journal.name");
  checkSize(inputDigest, limits.journalDigestBytes, "journal.input_digest");
  checkSize(errorMessage, limits.errorMessageBytes, "journal.error_message");
  if (entry < 1 || entry > limits.journalEntries) {
    refuse("journal.entry", `is ${entry}; entries count from 1 to ${limits.journalEntries}`);
  }
  if (occurrence < 1) refuse("journal.occurrence", `is ${occurrence}; it counts from 1`);
  checkJson(resultJson, limits.resultBytes, "journal.result_json");
  if (wait?.defaultJson !== undefined) {
    checkJson(wait.defaultJson, limits.signalDefaultBytes, "journal.wait.default_json");
  }
  if (wait?.child) checkChild(wait.child);
  return said;
}

function checkChild(child: SaidChild): void {
  const { agentName, template, inputJson, labels, workerSelector, maxAttempts } = child;
  const field = "journal.wait.child";
  if ((agentName === "") === (template === undefined)) {
    refuse(field, "names neither or both of agent_name and template: name one");
  }
  checkSize(agentName, limits.idBytes, `${field}.agent_name`);
  checkJson(inputJson, limits.inputBytes, `${field}.input_json`);
  for (const [name, map] of [
    ["labels", labels],
    ["worker_selector", workerSelector],
  ] as const) {
    const problem = labelsProblem(map);
    if (problem !== undefined) refuse(`${field}.${name}`, problem);
  }
  if (maxAttempts > limits.maxAttempts) {
    refuse(`${field}.max_attempts`, `is ${maxAttempts}; at most ${limits.maxAttempts}`);
  }
}

/** A suspension. @throws {Fault} `invalid` */
export function fitSuspension<Said extends { readonly entries: readonly number[] }>(said: Said): Said {
  const { length } = said.entries;
  if (length < 1 || length > limits.journalOpen) {
    refuse("suspend.entries", `has ${length} entries; 1 to ${limits.journalOpen} can be waited for`);
  }
  return said;
}

interface SaidUsage {
  readonly model: string;
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  readonly cachedTokens: bigint;
  readonly toolCalls: bigint;
  readonly usdMicros?: bigint | undefined;
}

/** A report of usage: numbers that no model uses are taken as the most that is counted. */
export function fitUsage<Said extends SaidUsage>(said: Said): Said {
  const { inputTokens, outputTokens, cachedTokens, toolCalls, usdMicros } = said;
  return {
    ...said,
    model: exceeds(said.model, limits.journalNameBytes) ? "" : said.model,
    inputTokens: counted(inputTokens),
    outputTokens: counted(outputTokens),
    cachedTokens: counted(cachedTokens),
    toolCalls: counted(toolCalls),
    ...(usdMicros !== undefined && { usdMicros: counted(usdMicros) }),
  };
}

const MOST = BigInt(limits.usageCount);

function counted(value: bigint): bigint {
  if (value < 0n) return 0n;
  return value > MOST ? MOST : value;
}

function checkJson(json: string, max: number, field: string): void {
  if (json === "") return;
  checkSize(json, max, field);
  const problem = jsonProblem(json, limits.jsonDepth);
  if (problem !== undefined) refuse(field, problem);
}

function checkSize(text: string, max: number, field: string): void {
  if (exceeds(text, max)) {
    refuse(field, `is ${Buffer.byteLength(text)} bytes long; the limit is ${max} bytes: shorten it`);
  }
}

function refuse(field: string, problem: string): never {
  throw new Fault("invalid", `${field} ${problem.replace(/\.$/, "")}.`, { field });
}
