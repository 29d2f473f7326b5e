import { InvalidArgumentError, Option } from "commander";
import { DURATION_ADVICE, readDuration } from "#domain/duration";

/** Options that several commands share. */

export const addrOption = () =>
  new Option("--addr <host:port>", "The server's gRPC address. TASKRUN_ADDR; default: localhost:50051");
export const namespaceOption = () => new Option("--namespace <name>", "TASKRUN_NAMESPACE; default: default");
export const jsonOption = (words: string) => new Option("--json", words);

/** Readers of option values. What they refuse is a wrong use of the command line. */

/** For options given as `NAME=VALUE`, any number of times. */
export function pair(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`"${text}" is not NAME=VALUE.`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** A whole number between two bounds. */
export function whole(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`"${text}" is not a whole number from ${least} to ${most}.`);
  };
}

/** One of some words, in capitals or not. */
export function oneOf<Word extends string>(words: readonly Word[]) {
  return (text: string): Word => {
    const found = words.find((word) => word === text.toUpperCase());
    if (found === undefined) throw new InvalidArgumentError(`"${text}" is none of ${words.join(", ")}.`);
    return found;
  };
}

/** A length of time such as `5m`, in milliseconds. */
export function duration(text: string): number {
  const read = readDuration(text);
  if (read === undefined) throw new InvalidArgumentError(`"${text}" is not a duration; ${DURATION_ADVICE}.`);
  return read;
}

/** A moment as ISO 8601, in Unix milliseconds. */
export function moment(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError(`"${text}" is no time; write for example 2030-01-31T09:00Z.`);
  return ms;
}
