import type { TaskRunError } from "#client/index";
import { CliError, type ExitCode, exit } from "./exit.js";

/**
 * Converts a failed call to the server at `addr` into an error with an exit code and advice.
 *
 * @param self how to run this program
 */
export function fromServer(error: TaskRunError, addr: string, self: string): CliError {
  const { code, message, retryAfterMs, metadata, idempotencyKey } = error;
  const say = (exitCode: ExitCode, text: string, ...next: string[]) =>
    new CliError(exitCode, text, next, error);

  switch (code) {
    case "UNAVAILABLE":
      return say(
        exit.unreachable,
        error.reason === "CANNOT_CONNECT" || message.includes(addr) ? message : `${addr}: ${message}`,
        `Start a server with \`${self} dev\`, or name another with --addr HOST:PORT or TASKRUN_ADDR.`,
        ...(error.reason === "CANNOT_CONNECT" ? [] : keyHint(idempotencyKey)),
      );
    case "DEADLINE_EXCEEDED":
      return say(
        exit.unreachable,
        `${serverAt(addr)} did not answer in time`,
        "It may be overloaded, or the network blocked: try again.",
        ...keyHint(idempotencyKey),
      );
    case "NOT_FOUND":
      return say(exit.notFound, message, `\`${self} ${whatThereIs(error)}\` lists what exists.`);
    case "INVALID_ARGUMENT": {
      const [first = message, ...others] = new Set([message, ...refusals(error)].map(inOptions(error)));
      return say(exit.usage, first, ...others);
    }
    case "OUT_OF_RANGE": {
      const earliest = Number(metadata.earliest_seq);
      const hint =
        earliest > 0 ? [`Watch from the first event still kept with --after-seq ${earliest - 1}.`] : [];
      return say(exit.usage, message, ...hint);
    }
    case "RESOURCE_EXHAUSTED":
      return say(exit.failed, message, `Try again${retryAfterMs > 0 ? ` in ${retryAfterMs} ms` : " later"}.`);
    case "UNAUTHENTICATED":
      return say(
        exit.failed,
        message,
        "Name the file of a key with --api-key-file, set TASKRUN_API_KEY, or `login`; on the server's machine, --data DIR.",
      );
    case "UNIMPLEMENTED":
      return say(
        exit.failed,
        `${serverAt(addr)} cannot do this: ${message}`,
        "It may be older than this command.",
      );
    default:
      return say(exit.failed, message);
  }
}

function serverAt(addr: string): string {
  return addr.includes(",") ? `one of the servers at ${addr}` : `the server at ${addr}`;
}

function keyHint(key: string): string[] {
  return key === ""
    ? []
    : [`The task may exist. The same command with --idempotency-key ${key} creates no second one.`];
}

/** Returns the command that lists the things of the kind that was not found. */
function whatThereIs({ reason, message }: TaskRunError): string {
  if (reason === "TEMPLATE_NOT_FOUND") return "template list";
  if (reason === "AGENT_NOT_FOUND") return "agent list";
  if (reason === "KEY_NOT_FOUND") return "key list";
  if (reason === "STEP_NOT_FOUND" || reason === "SIGNAL_NOT_FOUND") return "task steps ID";
  return reason === "WORKER_NOT_FOUND" || message.startsWith("Worker ") ? "worker list" : "task list";
}

/** The options of request fields, where the names differ. */
const options: Readonly<Record<string, string>> = {
  id: "ID",
  worker_id: "ID",
  agent_name: "--agent",
  agent_filter: "--agent",
  input_json: "--input",
  payload_json: "--payload",
  result_json: "--result",
  signal: "NAME",
  step_name: "STEP",
  labels: "--label",
  worker_selector: "--selector",
  timeout_ms: "--timeout",
  max_attempts: "--attempts",
  start_at_ms: "--start-at",
  status_filter: "--status",
  page_size: "--limit",
};

/** Returns the description of each violation, beginning with the field. */
function refusals({ violations }: TaskRunError): string[] {
  return violations.map(({ field, description }) =>
    description.startsWith(field) ? description : `${field}: ${description}`,
  );
}

/** Returns a function that replaces a field at the beginning of a text by its option. */
function inOptions({ violations }: TaskRunError): (text: string) => string {
  return (text) => {
    const field = violations.map((violation) => violation.field).find((name) => text.startsWith(name));
    if (field === undefined) return text;
    const option = options[field] ?? `--${field.replaceAll("_", "-")}`;
    return option + text.slice(field.length);
  };
}
