import type { Budget, CallControl, CreateTask } from "#client/index";
import { readTraceparent } from "#domain/task/trace";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { readTemplateName } from "../template/name.js";
import { readInput } from "../terminal/input.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { follow } from "./follow.js";
import { waitForResult } from "./wait.js";
import { tellWarnings } from "./warnings.js";

export interface CreateOptions extends ConnectionOptions {
  readonly agent?: string;
  /** `NS/NAME@VERSION`, in place of an agent. */
  readonly template?: string;
  readonly input?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly selector?: Readonly<Record<string, string>>;
  readonly priority?: number;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly attempts?: number;
  readonly maxLosses?: number;
  readonly startAt?: number;
  readonly budget?: Budget;
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  readonly createdBy?: string;
  readonly watch?: boolean;
  /** Prints the result when the task has ended. */
  readonly wait?: boolean;
  readonly json?: boolean;
}

/**
 * `task create`: prints the id of the new task, with `--json` all of it, with `--watch` its output, with `--wait` its result.
 */
export async function createTask(options: CreateOptions, io: Io): Promise<ExitCode> {
  if (!options.agent === !options.template) {
    const example = `For example: ${io.self} task create --agent support_triage --input '{"query": "help"}'`;
    const text = options.agent
      ? "give either --agent or --template, not both"
      : "name an agent with --agent NAME, or a template with --template NS/NAME@VERSION";
    throw new CliError(exit.usage, text, [example]);
  }
  if (options.watch && options.wait) {
    throw new CliError(exit.usage, "give either --wait, for the result, or --watch, for all that happens");
  }
  const request = await toRequest(options, io);

  return withClient(io, options, async (client) => {
    const task = await client.tasks.create(request, traceOf(io));
    const id = oneLine(task.id);
    if (!options.json) await tellWarnings(task, io);
    if (options.watch || options.wait) {
      if (!options.json) await io.stderr.write(`task ${id} created\n`);
      if (options.wait) return waitForResult(client, task, options, io);
      return follow(client, task, { json: options.json === true }, io);
    }

    await io.stdout.write(options.json ? document(taskJson(task)) : `${id}\n`);
    if (!options.json && io.stderr.isTTY)
      await io.stderr.write(`Watch it with: ${io.self} task watch ${id}\n`);
    return exit.ok;
  });
}

/** The trace that this command was started in, as by an agent that is a program. */
function traceOf({ env: { TRACEPARENT } }: Io): CallControl {
  return TRACEPARENT && readTraceparent(TRACEPARENT) ? { traceparent: TRACEPARENT } : {};
}

async function toRequest(options: CreateOptions, io: Io): Promise<CreateTask> {
  const { agent, template, label, selector, priority, timeout, attempts, startAt } = options;
  const { namespace, maxLosses, budget } = options;
  const { idempotencyKey, correlationId, createdBy = io.env.USER } = options;
  const inputJson = options.input === undefined ? "{}" : await readInput(options.input, io);

  return {
    inputJson,
    ...(namespace && { namespace }),
    ...(agent !== undefined && { agent }),
    ...(template !== undefined && { template: readTemplateName(template, "--template") }),
    ...(label !== undefined && { labels: label }),
    ...(selector !== undefined && { workerSelector: selector }),
    ...(priority !== undefined && { priority }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(attempts !== undefined && { maxAttempts: attempts }),
    ...(maxLosses !== undefined && { maxLosses }),
    ...(startAt !== undefined && { startAtMs: startAt }),
    ...(budget !== undefined && { budget }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(correlationId !== undefined && { correlationId }),
    ...(createdBy !== undefined && { createdBy }),
  };
}
