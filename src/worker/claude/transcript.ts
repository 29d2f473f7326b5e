import type { AgentContext } from "../agent/context.js";
import { inputDigest } from "../journal/canonical.js";
import { labelled, toolRequested } from "../models/tool-events.js";
import { ClaudeUsage } from "./claude-usage.js";
import type { AssistantMessage, Block, ClaudeMessage, ResultMessage, StreamEvent } from "./messages.js";

/** Tool calls without a result that are remembered: a model asks for a few at a time. */
const CALLS_FOLLOWED = 256;

/**
 * Passes on what a session of Claude Code says: the model's text as output, tools and the session as events, tokens as usage.
 * Keeps what the end of the Run is made of.
 */
export class Transcript {
  readonly #ctx: AgentContext;
  readonly #usage: ClaudeUsage;
  readonly #isContinued: boolean;
  readonly #begun: (sessionId: string) => void;
  /** Calls without a result, each with what tells of its end. */
  readonly #calls = new Map<string, ReturnType<typeof toolRequested>>();
  /** The message whose text came in parts; it comes once more as a whole. */
  #streamed = "";
  #streaming = "";
  #lineOpen = false;
  #sessionId = "";
  #model = "";
  #toolCalls = 0;
  #apiError = "";
  #limitedUntilMs = 0;
  #result: ResultMessage | undefined;

  /**
   * @param isContinued whether the session has had a Run before
   * @param begun called with the session's id as soon as it is known
   */
  constructor(ctx: AgentContext, isContinued: boolean, begun: (sessionId: string) => void) {
    this.#ctx = ctx;
    this.#usage = new ClaudeUsage(ctx, isContinued);
    this.#isContinued = isContinued;
    this.#begun = begun;
  }

  /** Empty before the session has begun. */
  get sessionId(): string {
    return this.#sessionId;
  }

  /** The model that the session began with; empty before. */
  get model(): string {
    return this.#model;
  }

  get toolCalls(): number {
    return this.#toolCalls;
  }

  /** What the last failure of the API was, in the program's words; empty if the model has spoken since. */
  get apiError(): string {
    return this.#apiError;
  }

  /** When the account may be used again, in Unix milliseconds; 0 if it may be. */
  get limitedUntilMs(): number {
    return this.#limitedUntilMs;
  }

  /** The last result; a session whose work goes on in the background may have several. */
  get result(): ResultMessage | undefined {
    return this.#result;
  }

  /** Resolves when there is room for more output. */
  async take(message: ClaudeMessage): Promise<void> {
    switch (message.type) {
      case "system":
        return this.#system(message);
      case "assistant":
        return this.#assistant(message);
      case "user":
        return this.#completed(message.message.content);
      case "stream_event":
        // A subagent's text is for the model that has called it.
        return message.parent_tool_use_id ? undefined : this.#part(message.event);
      case "rate_limit_event": {
        const { status, resetsAt } = message.rate_limit_info;
        this.#limitedUntilMs = status === "rejected" ? resetsAt * 1_000 : 0;
        return;
      }
      case "result":
        this.#result = message;
        this.#sessionId ||= message.session_id;
        this.#usage.result(message, this.#model);
        return;
    }
  }

  #system(message: ClaudeMessage & { readonly type: "system" }): void {
    if (message.subtype === "api_retry") {
      const { attempt, max_retries: most, retry_delay_ms: delayMs, error } = message;
      this.#ctx.log.warn("Claude Code calls its API again", { attempt, most, delayMs, error });
      return;
    }
    if (this.#sessionId !== "") return; // some versions say it again with every turn
    const { session_id, model, claude_code_version: version, permissionMode } = message;
    this.#sessionId = session_id;
    this.#model = model;
    if (session_id !== "") this.#begun(session_id);
    const resumed = this.#isContinued ? "true" : "";
    const metadata = { session_id, model, version, permission_mode: permissionMode, resumed };
    this.#ctx.event("SESSION_INITIALIZED", labelled(metadata));
    if (model !== "") this.#ctx.backendUsed(claudeBackend(model));
  }

  async #assistant(message: AssistantMessage): Promise<void> {
    const { parent_tool_use_id: parent, error } = message;
    const { id, content } = message.message;
    this.#apiError = error;
    const calls = content.filter(isToolUse);
    if (error === "") this.#usage.message(message, calls.length);
    const isWritten = id !== "" && id === this.#streamed;
    const texts = parent || isWritten || error !== "" ? [] : content.filter(isText);
    for (const { text } of texts) {
      await this.#endLine();
      await this.#say(text === "" || text.endsWith("\n") ? text : `${text}\n`);
    }
    for (const call of calls) this.#requested(call, parent);
  }

  #requested({ id, name, input }: ToolUse, parent: string | null | undefined): void {
    this.#toolCalls += 1;
    const call = { tool: name, args_digest: digestOf(input), call_id: id, parent_call_id: parent ?? "" };
    this.#calls.set(id, toolRequested(this.#ctx, call));
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > CALLS_FOLLOWED && oldest !== undefined) this.#calls.delete(oldest);
  }

  /** The result of a call that is not known, of a session's earlier Run, is nobody's to tell. */
  #completed(content: readonly Block[]): void {
    for (const { tool_use_id: id, is_error: isError } of content.filter(isToolResult)) {
      this.#calls.get(id)?.(isError ? "failed" : "ok");
      this.#calls.delete(id);
    }
  }

  async #part(event: StreamEvent): Promise<void> {
    if ("message" in event) this.#streaming = event.message.id;
    if ("delta" in event) {
      this.#streamed = this.#streaming;
      await this.#say(event.delta.text);
    }
    if (event.type === "content_block_stop") await this.#endLine();
  }

  async #say(text: string): Promise<void> {
    if (text === "") return;
    this.#lineOpen = !text.endsWith("\n");
    await this.#ctx.output(text);
  }

  /** Ends the line, so that the next text does not run into this one. */
  async #endLine(): Promise<void> {
    if (!this.#lineOpen) return;
    this.#lineOpen = false;
    await this.#ctx.output("\n");
  }
}

type ToolUse = Extract<Block, { readonly id: string }>;

/** Empty for what is larger than a digest is made of. */
function digestOf(input: unknown): string {
  try {
    return inputDigest(input, "the arguments");
  } catch {
    return "";
  }
}

function isText(block: Block): block is Extract<Block, { readonly text: string }> {
  return block.type === "text" && "text" in block;
}

function isToolUse(block: Block): block is ToolUse {
  return block.type === "tool_use" && "id" in block;
}

function isToolResult(block: Block): block is Extract<Block, { readonly tool_use_id: string }> {
  return block.type === "tool_result" && "tool_use_id" in block;
}

/** How a model of Claude Code is announced, and reported as used. */
export function claudeBackend(modelName: string) {
  return { provider: "anthropic", modelName, supportsStreaming: true, modalities: ["text"] } as const;
}
