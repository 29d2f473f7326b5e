import { AgentError } from "../agent/error.js";

/** The error of an earlier Run, by its name and message. */
export function replayedError(words: string): AgentError {
  const [, name, message] = /^([A-Za-z_$][\w$]*): (.*)$/s.exec(words) ?? [];
  const error = new AgentError(message ?? words);
  return name === undefined ? error : Object.defineProperty(error, "name", { value: name });
}
