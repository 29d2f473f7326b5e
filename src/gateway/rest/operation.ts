import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import type { Call, Rpc } from "../rpc.js";
import type { Documentation } from "./documentation.js";
import type { Binding, HttpMethod } from "./http-rule.js";
import type { HttpWords } from "./transcode.js";

/** An HTTP request as an operation sees it. */
export interface RestRequest extends HttpWords {
  /** What stands before the paths of this server, for links; empty unless a host serves them under one. */
  readonly base: string;
  /** A header, by its name in lower case. */
  header(name: string): string | undefined;
}

/** What is answered: a body of JSON. */
export interface RestAnswer {
  /** Default: 200. */
  readonly status?: number;
  readonly json: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls an rpc for the caller of the request, with its checks and limits. @throws {Fault} */
export type Ask = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
) => Promise<MessageShape<O>>;

/** What one method of one path does. */
export interface RestOperation {
  /** In whose name it is permitted, counted and timed. */
  readonly rpc: Pick<Rpc & { readonly kind: "unary" }, "method" | "waits">;
  /** What the policy calls it. Default: the rpc. */
  readonly asked?: string;
  /** Whether a request may wait for minutes, by its query. Default: as the rpc does. */
  readonly waits?: ((query: URLSearchParams) => boolean) | undefined;
  readonly method: HttpMethod;
  readonly path: string;
  /** What the OpenAPI document is made of: the rule, or what is written beside the operation. */
  readonly documentation?: Binding | Documentation;
  /** @param call for use cases that it runs itself */
  perform(request: RestRequest, ask: Ask, call: Call): Promise<RestAnswer>;
}
