import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request was, as the double has seen it. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: {
    readonly model: string;
    readonly stream?: boolean;
    readonly messages: readonly Readonly<Record<string, unknown>>[];
    readonly [member: string]: unknown;
  };
}

/** What the double answers to one request. */
export interface FakeAnswer {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly arguments: string }[];
  readonly refusal?: string;
  readonly finish?: string;
  /** In place of an answer. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly error?: Readonly<Record<string, unknown>>;
  /** Ends the stream after the first text: `end` in good order, `reset` by closing the connection, `error` by an event that says so. */
  readonly cut?: "end" | "reset" | "error";
  /** Never goes on after the first text. */
  readonly hangs?: boolean;
}

const USAGE = {
  prompt_tokens: 120,
  completion_tokens: 30,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 100, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
};

/**
 * A server of the Chat Completions API, which gives the answers that a test has lined up, and otherwise says the prompt again. It streams
 * if it is asked to.
 */
export class FakeOpenai {
  readonly seen: SeenRequest[] = [];
  readonly #answers: FakeAnswer[] = [];
  #script: readonly FakeAnswer[] = [];
  readonly #server: Server;
  /** Requests whose client has gone before their end. */
  abandoned = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(): Promise<FakeOpenai> {
    const fake = new FakeOpenai();
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** What is answered next, in this order. */
  answer(...answers: readonly FakeAnswer[]): void {
    this.#answers.push(...answers);
  }

  /** What is answered in the first turn of any conversation, in its second, and so on, however often it is asked for. */
  always(...answers: readonly FakeAnswer[]): void {
    this.#script = answers;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as SeenRequest["body"];
    this.seen.push({ path: request.url ?? "", headers: request.headers, body });
    response.on("close", () => {
      if (!response.writableEnded) this.abandoned += 1;
    });
    const said = body.messages.findLast(({ role }) => role === "user")?.content;
    const turn = body.messages.filter(({ role }) => role === "assistant").length;
    const answer = this.#answers.shift() ?? this.#script[turn] ?? { text: `You said: ${String(said)}` };
    if (answer.status !== undefined) return refuse(response, answer);
    if (!body.stream) return whole(response, answer, body);
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "openai-processing-ms": "12",
      "x-request-id": "req_fake",
      ...answer.headers,
    });
    stream(response, answer, body);
  }
}

function refuse(response: ServerResponse, { status = 500, headers, error }: FakeAnswer): void {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_fake", ...headers });
  const plain = { message: "something went wrong", type: "server_error", param: null, code: null };
  response.end(JSON.stringify({ error: { ...plain, ...error } }));
}

/** What an answer says of itself. */
function headOf({ model }: SeenRequest["body"], object: "chat.completion" | "chat.completion.chunk") {
  return {
    id: "chatcmpl-Fake0000000000000000000000000",
    object,
    created: 1_760_000_000,
    model: `${model}-2026-01-01`,
    service_tier: "default",
    system_fingerprint: null,
  };
}

function whole(response: ServerResponse, answer: FakeAnswer, body: SeenRequest["body"]): void {
  const { text = null, refusal = null, calls = [], finish } = answer;
  const toolCalls = calls.map(({ name, arguments: json }, index) => {
    return { id: `call_${index + 1}`, type: "function", function: { name, arguments: json } };
  });
  const message = {
    role: "assistant",
    content: text,
    ...(calls.length > 0 && { tool_calls: toolCalls }),
    refusal,
    annotations: [],
  };
  const reason = finish ?? (calls.length > 0 ? "tool_calls" : "stop");
  response.writeHead(200, {
    "content-type": "application/json",
    "x-request-id": "req_fake",
    ...answer.headers,
  });
  response.end(
    JSON.stringify({
      ...headOf(body, "chat.completion"),
      choices: [{ index: 0, message, logprobs: null, finish_reason: reason }],
      usage: USAGE,
    }),
  );
}

/** Deltas of one answer, whose text and arguments come in pieces. */
function* deltasOf({ text, calls = [], refusal }: FakeAnswer): Generator<Readonly<Record<string, unknown>>> {
  yield { role: "assistant", content: calls.length > 0 ? null : "", refusal: null };
  if (refusal !== undefined) yield { refusal };
  for (const content of text?.match(/.{1,4}/gsu) ?? []) yield { content };
  for (const [index, { name, arguments: json }] of calls.entries()) {
    yield {
      tool_calls: [{ index, id: `call_${index + 1}`, type: "function", function: { name, arguments: "" } }],
    };
    for (const part of json.match(/.{1,3}/gsu) ?? [])
      yield { tool_calls: [{ index, function: { arguments: part } }] };
  }
}

function stream(response: ServerResponse, answer: FakeAnswer, body: SeenRequest["body"]): void {
  const head = headOf(body, "chat.completion.chunk");
  const send = (event: unknown) => response.write(`data: ${JSON.stringify(event)}\n\n`);
  const chunk = (delta: unknown, finish: string | null = null) =>
    send({
      ...head,
      choices: [{ index: 0, delta, finish_reason: finish }],
      usage: null,
      obfuscation: "x9Kd",
    });

  for (const delta of deltasOf(answer)) {
    chunk(delta);
    if (!delta.content) continue;
    if (answer.hangs) return;
    if (!answer.cut) continue;
    cutOff(response, answer.cut);
    return;
  }
  chunk({}, answer.finish ?? (answer.calls ? "tool_calls" : "stop"));
  const options = body.stream_options as { include_usage?: boolean } | undefined;
  if (options?.include_usage) send({ ...head, choices: [], usage: USAGE });
  response.end("data: [DONE]\n\n");
}

function cutOff(response: ServerResponse, how: NonNullable<FakeAnswer["cut"]>): void {
  if (how === "end") response.end();
  else if (how === "reset") setImmediate(() => response.socket?.resetAndDestroy());
  else {
    const error = { message: "The server had an error", type: "server_error", param: null, code: null };
    response.end(`data: ${JSON.stringify({ error })}\n\n`);
  }
}
