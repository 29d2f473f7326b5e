import { once } from "node:events";
import type { Writable } from "node:stream";
import { limits } from "#limits/index";
import type { AgentContext } from "../agent/context.js";
import type { ChildTask } from "../agent/durable.js";
import { AgentError, ToldError } from "../agent/error.js";
import { Lines } from "./lines.js";
import type { ProgramPipe } from "./program-pipe.js";
import { type StepRequest, stepRequestOf } from "./step-request.js";

/** A step that the program does at the moment. */
interface OpenStep {
  readonly name: string;
  readonly done: (result: unknown) => void;
  readonly failed: (error: Error) => void;
  /** What has become of it, once it is durable. */
  readonly kept: Promise<unknown>;
}

const OK = { ok: true };

/**
 * The durable steps of a program: it asks on one pipe, a line of JSON each, and is answered on another, one line for each, in their
 * order. While it waits for an answer its Run may be suspended; it is then stopped, and started anew when there is one.
 */
export class StepDialogue {
  readonly #ctx: AgentContext;
  readonly #steps = new Map<number, OpenStep>();
  readonly #children: ChildTask[] = [];
  #number = 0;

  constructor(ctx: AgentContext) {
    this.#ctx = ctx;
  }

  /** The names of steps that the program has begun, and said nothing more about. */
  get unfinished(): readonly string[] {
    return [...this.#steps.values()].map(({ name }) => name);
  }

  /**
   * Answers until the program has ended. Reads no request before the one before is answered.
   *
   * @param ended resolves when the program has: nobody waits for an answer then
   * @throws {ToldError} if a line is no request
   */
  async hold(requests: ProgramPipe, answers: Writable, ended: Promise<void>): Promise<void> {
    answers.on("error", () => {}); // a program need not read its answers
    const decoder = new TextDecoder();
    const lines = new Lines(limits.execLineChars);
    const aborted = abortOf(this.#ctx.signal);
    try {
      for await (const data of requests.read()) {
        for (const line of this.#linesIn(lines, decoder.decode(data, { stream: true }))) {
          if (line.trim() === "") continue;
          const request = stepRequestOf(line);
          // What is done is kept though its program has ended; what it wants to know is not told to nobody.
          const gone = request.type === "done" || request.type === "failed" ? [aborted] : [aborted, ended];
          const answer = await Promise.race([
            this.#answer(request),
            ...gone.map((end) => end.then(() => GONE)),
          ]);
          if (answer === GONE) return;
          await write(answers, answer as object);
        }
      }
    } finally {
      for (const { name, failed } of this.#steps.values()) {
        failed(new ToldError(`the program has ended in the middle of step "${name}"`));
      }
    }
  }

  #linesIn(lines: Lines, text: string): readonly string[] {
    try {
      return lines.feed(text);
    } catch (cause) {
      const message = `a request on descriptor 4 is over ${limits.execLineChars} characters, the most that one may have`;
      throw new ToldError(message, { retryable: false, cause });
    }
  }

  #answer(request: StepRequest): Promise<object> {
    const { call, sleep, spawn, usage, waitForSignal } = this.#ctx;
    switch (request.type) {
      case "begin":
        return this.#begin(request);
      case "done":
        return this.#close(request.number, ({ done }) => done(request.result));
      case "failed": {
        const { message, retryable } = request;
        const options = retryable === undefined ? {} : { retryable };
        return this.#close(request.number, ({ failed }) =>
          failed(new AgentError(message || "the step has failed", options)),
        );
      }
      case "sleep":
        return outcome(sleep(request.ms));
      case "signal":
        return outcome(waitForSignal(request.name, request.options));
      case "call":
        return outcome(call(request.agent, request.input, request.options));
      case "spawn":
        return spawn(request.agent, request.input, request.options).then((child) => {
          const { taskId } = child;
          return { child: this.#children.push(child), task_id: taskId };
        });
      case "join":
        return this.#join(request.number);
      case "usage":
        usage(request.report);
        return Promise.resolve(OK);
    }
  }

  /** Answers with the result that an earlier Run had, or with the number under which the program is to do it. */
  #begin({ kind, name, input, options }: StepRequest & { readonly type: "begin" }): Promise<object> {
    const { step, tool } = this.#ctx;
    return new Promise((resolve) => {
      let number = 0;
      const work = () =>
        new Promise<unknown>((done, failed) => {
          number = ++this.#number;
          // Known by its number only when the call below has returned.
          queueMicrotask(() => this.#steps.set(number, { name, done, failed, kept }));
          queueMicrotask(() => resolve({ do: number }));
        });
      const kept: Promise<unknown> =
        kind === "tool"
          ? tool(name, input, work, options)
          : step(name, work, input === undefined ? options : { ...options, input });
      void outcome(kept).then((known) => {
        if (number === 0) resolve(known);
      });
    });
  }

  /** Ends a step that the program has done, and answers when that is durable. */
  async #close(number: number, end: (step: OpenStep) => void): Promise<object> {
    const step = this.#steps.get(number);
    if (!step)
      throw new ToldError(`the program has ended step ${number}, which it does not do`, { retryable: false });
    this.#steps.delete(number);
    end(step);
    return step.kept.then(
      () => OK,
      () => OK, // it has failed, as the program has said itself; a Run that is over ends the program
    );
  }

  #join(number: number): Promise<object> {
    const child = this.#children[number - 1];
    if (!child) {
      throw new ToldError(`the program joins child ${number}, which it has not begun`, { retryable: false });
    }
    return outcome(child.result());
  }
}

const GONE = Symbol("nobody waits for the answer");

/** What something has come to, as a program is told. */
function outcome(promise: Promise<unknown>): Promise<object> {
  return promise.then(
    (result) => ({ result: result ?? null }),
    (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
  );
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function write(answers: Writable, answer: object): Promise<void> {
  if (answers.destroyed || answers.write(`${JSON.stringify(answer)}\n`)) return;
  await Promise.race([once(answers, "drain").catch(() => {}), once(answers, "close").catch(() => {})]);
}
