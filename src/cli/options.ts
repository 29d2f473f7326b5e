import { InvalidArgumentError, Option } from "commander";
import type { Budget } from "#domain/task/budget";
import { readBudget } from "#domain/task/budget-text";
import { DURATION_ADVICE, readDuration } from "#domain/time/duration";
import { MOMENT_ADVICE, readMoment } from "./moment.js";

/* Options that several commands share. */

export const addrOption = () =>
  new Option(
    "--addr <host:port,...>",
    "The server's gRPC address; of several nodes any, with commas between. TASKRUN_ADDR; default: localhost:50051",
  );
export const caOption = () =>
  new Option("--ca <file>", "Certificates of the authority that vouches for the server, as PEM. TASKRUN_CA");
export const caPinOption = () =>
  new Option("--ca-pin <pin>", "The pin of that authority, as the server prints it. TASKRUN_CA_PIN");
export const apiKeyFileOption = () =>
  new Option(
    "--api-key-file <file>",
    "File with an API key in it. TASKRUN_API_KEY is the key, TASKRUN_API_KEY_FILE the file",
  );
export const certOption = () =>
  new Option(
    "--cert <file>",
    "Certificate to show to a server that knows clients by theirs, as PEM. TASKRUN_CERT",
  );
export const certKeyOption = () =>
  new Option("--cert-key <file>", "File with the key of that certificate. TASKRUN_CERT_KEY");
export const dataOption = () =>
  new Option(
    "--data <dir>",
    "Data directory of a server on this machine: its authority and first key are used",
  );
export const profileOption = () =>
  new Option("--profile <name>", "Server and API key that `login` has kept under this name. TASKRUN_PROFILE");
export const namespaceOption = () =>
  new Option("--namespace <name>", "TASKRUN_NAMESPACE; default: default").argParser(oneNamespace);
/** Of lists. */
export const namespacesOption = () =>
  new Option(
    "--namespace <name>",
    `Only of this namespace; "${ALL}" is all that you may use. TASKRUN_NAMESPACE`,
  );

/** Every namespace that the caller may use. */
export const ALL = "*";

function oneNamespace(text: string): string {
  if (text !== ALL) return text;
  throw new InvalidArgumentError(`"${ALL}" is no namespace: only lists are over all of them.`);
}
export const jsonOption = (words: string) => new Option("--json", words);

/* Parsers of option values. Invalid values are errors of usage. */

/** Parses a repeatable option of the form `NAME=VALUE`. */
export function pair(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`"${text}" is not NAME=VALUE.`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Makes a parser of integers from `least` to `most`. */
export function whole(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`"${text}" is not a whole number from ${least} to ${most}.`);
  };
}

/** Makes a parser of one of some words, in any case. */
export function oneOf<Word extends string>(words: readonly Word[]) {
  return (text: string): Word => {
    const found = words.find((word) => word === text.toUpperCase());
    if (found === undefined) throw new InvalidArgumentError(`"${text}" is none of ${words.join(", ")}.`);
    return found;
  };
}

/** Parses a duration such as `5m`, of at least `least` milliseconds. Returns milliseconds. */
export function duration(least = 0) {
  return (text: string): number => {
    const read = readDuration(text);
    if (read === undefined)
      throw new InvalidArgumentError(`"${text}" is not a duration; ${DURATION_ADVICE}.`);
    if (read < least) throw new InvalidArgumentError(`"${text}" is less than ${least} ms.`);
    if (read > DURATION_MAX) throw new InvalidArgumentError(`"${text}" is more than 36500d.`);
    return read;
  };
}

/** A hundred years: what is longer is a slip, and might not fit into a number. */
const DURATION_MAX = 36_500 * 86_400_000;

/** Parses a budget such as `tokens=1M,usd=5`. */
export function budget(text: string): Budget {
  const read = readBudget(text);
  if (typeof read === "string") throw new InvalidArgumentError(`"${text}" ${read}.`);
  return read;
}

/** Makes a parser of an amount of one bound of a budget, as {@link budget} has it. */
export function amountOf(bound: keyof Budget, name: string) {
  return (text: string): number => budget(`${name}=${text}`)[bound];
}

/** Parses a time that has one meaning. Returns Unix milliseconds. */
export function moment(text: string): number {
  const read = readMoment(text);
  if (read === undefined) throw new InvalidArgumentError(`"${text}" is not a time; ${MOMENT_ADVICE}.`);
  return read;
}
