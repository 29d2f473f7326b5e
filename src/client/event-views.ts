import type { Labels } from "#domain/task/task";
import type { JournalRecord } from "./journal-views.js";
import type { Run, Step, Task } from "./views.js";

/**
 * An event of a Task's log. `seq` counts from 1 without gaps; `atMs` is when the server recorded it. The events `task`,
 * `step` and `run` carry the new state; `journal` and `usage` tell what a durable step came to and what a model has used; the
 * others carry what an agent sent.
 *
 * @example
 * ```ts
 * import { createClient, type TaskEvent } from "taskrun/client";
 *
 * function print(event: TaskEvent): void {
 *   if (event.type === "output") process.stdout.write(event.output.content);
 *   else if (event.type === "step") console.log(event.step.name, event.step.state);
 * }
 *
 * for await (const event of createClient().tasks.watch("TASK_ID")) print(event);
 * ```
 */
export type TaskEvent = { readonly seq: number; readonly taskId: string; readonly atMs: number } & (
  | { readonly type: "task"; readonly task: Task }
  | { readonly type: "step"; readonly step: Step }
  | { readonly type: "run"; readonly run: Run }
  | { readonly type: "output"; readonly output: OutputChunk }
  | { readonly type: "event"; readonly event: AgentEvent }
  | { readonly type: "chat"; readonly chat: ChatMessage }
  | { readonly type: "journal"; readonly journal: JournalChange }
  | { readonly type: "usage"; readonly usage: ModelUse }
);

/**
 * A piece of output of a Run.
 *
 * @example
 * ```ts
 * import { createClient, type OutputChunk } from "taskrun/client";
 *
 * const chunks: OutputChunk[] = [];
 * for await (const event of createClient().tasks.watch("TASK_ID")) {
 *   if (event.type === "output") chunks.push(event.output);
 * }
 * console.log(chunks.map(({ content }) => content).join(""));
 * ```
 */
export interface OutputChunk {
  readonly runId: string;
  /** Counts the chunks of one turn of the Run, from 0. */
  readonly seq: number;
  readonly content: string;
  readonly isFinal: boolean;
  readonly metadata: Labels;
  /** When it was produced, by the Worker's clock. */
  readonly sentAtMs: number;
  readonly fence: number;
  readonly turn: number;
}

/**
 * Something that an agent reports beside its output, such as a tool call.
 *
 * @example
 * ```ts
 * import { type AgentEvent, createClient } from "taskrun/client";
 *
 * for await (const event of createClient().tasks.watch("TASK_ID")) {
 *   if (event.type !== "event") continue;
 *   const { kind, metadata }: AgentEvent = event.event;
 *   console.log(kind, metadata.tool);
 * }
 * ```
 */
export interface AgentEvent {
  readonly id: string;
  readonly runId: string;
  /** For example `TOOL_REQUESTED`; of an event of the agent's own its name, such as `progress`. */
  readonly kind: string;
  readonly sentAtMs: number;
  readonly metadata: Labels;
}

/**
 * A message of a Run's conversation.
 *
 * @example
 * ```ts
 * import { type ChatMessage, createClient } from "taskrun/client";
 *
 * for await (const event of createClient().tasks.watch("TASK_ID")) {
 *   if (event.type !== "chat") continue;
 *   const { role, content }: ChatMessage = event.chat;
 *   console.log(`${role}: ${content}`);
 * }
 * ```
 */
export interface ChatMessage {
  readonly runId: string;
  readonly role: "USER" | "ASSISTANT" | "SYSTEM" | "UNSPECIFIED";
  readonly content: string;
  readonly sentAtMs: number;
}

/**
 * A Step's journal has one more record: without its result, which `tasks.journal` has.
 *
 * @example
 * ```ts
 * import { createClient, type JournalChange } from "taskrun/client";
 *
 * for await (const event of createClient().tasks.watch("TASK_ID")) {
 *   if (event.type !== "journal") continue;
 *   const { stepName, record }: JournalChange = event.journal;
 *   console.log(`${stepName} ${record.kind} ${record.name}: ${record.state}`);
 * }
 * ```
 */
export interface JournalChange {
  readonly stepName: string;
  readonly record: JournalRecord;
  /** The length of its result in bytes of UTF-8. */
  readonly resultBytes: number;
}

/**
 * A Run has used something of a model.
 *
 * @example
 * ```ts
 * import { createClient, type ModelUse } from "taskrun/client";
 *
 * for await (const event of createClient().tasks.watch("TASK_ID")) {
 *   if (event.type !== "usage") continue;
 *   const { model, inputTokens, outputTokens }: ModelUse = event.usage;
 *   console.log(`${model}: ${inputTokens} in, ${outputTokens} out`);
 * }
 * ```
 */
export interface ModelUse {
  readonly stepName: string;
  readonly runId: string;
  readonly model: string;
  /** Tokens that it read, those from a cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly toolCalls: number;
  /** What it cost, in millionths of a US dollar, as it was counted; absent if nobody knows. */
  readonly usdMicros?: number;
}
