import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
} from "@grpc/grpc-js";
import type { Access } from "./access.js";

interface Method<Kind extends string, Input extends DescMessage, Output extends DescMessage> {
  readonly methodKind: Kind;
  readonly name: string;
  readonly parent: { readonly typeName: string };
  readonly input: Input;
  readonly output: Output;
}

/** Large enough for a batch's answer, which echoes every task. */
const MESSAGE_MAX = 16 * 1024 * 1024;

/** gRPC without a layer above it: a load generator must cost less than what it loads. */
export class Rpc {
  readonly #client: Client;
  /** Sent with each call. */
  readonly #metadata = new Metadata();

  /** @param access of a server that speaks TLS */
  constructor(addr: string, access?: Access) {
    if (access) this.#metadata.set("x-api-key", access.key);
    const secured = access ? credentials.createSsl(Buffer.from(access.ca)) : credentials.createInsecure();
    // Each connection its own, also within one process: a crowd of workers is a crowd of connections.
    this.#client = new Client(addr, secured, {
      "grpc.use_local_subchannel_pool": 1,
      // No name of a TLS server may be an address.
      ...(access && { "grpc.ssl_target_name_override": "localhost" }),
      "grpc.max_receive_message_length": MESSAGE_MAX,
      "grpc.max_send_message_length": MESSAGE_MAX,
    });
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: Method<"unary", I, O>,
    request: MessageInitShape<I>,
    timeoutMs = 30_000,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        pathOf(method),
        encoder(method.input),
        decoder(method.output),
        create(method.input, request),
        this.#metadata,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
      );
    });
  }

  serverStream<I extends DescMessage, O extends DescMessage>(
    method: Method<"server_streaming", I, O>,
    request: MessageInitShape<I>,
  ): ClientReadableStream<MessageShape<O>> {
    const [encode, decode] = [encoder(method.input), decoder(method.output)];
    return this.#client.makeServerStreamRequest(
      pathOf(method),
      encode,
      decode,
      create(method.input, request),
      this.#metadata,
    );
  }

  bidi<I extends DescMessage, O extends DescMessage>(
    method: Method<"bidi_streaming", I, O>,
  ): ClientDuplexStream<MessageShape<I>, MessageShape<O>> {
    return this.#client.makeBidiStreamRequest(
      pathOf(method),
      encoder(method.input),
      decoder(method.output),
      this.#metadata,
    );
  }

  close(): void {
    this.#client.close();
  }
}

function pathOf({
  parent,
  name,
}: {
  readonly parent: { readonly typeName: string };
  readonly name: string;
}): string {
  return `/${parent.typeName}/${name}`;
}

function encoder<Desc extends DescMessage>(desc: Desc) {
  return (message: MessageShape<Desc>) => Buffer.from(toBinary(desc, message));
}

function decoder<Desc extends DescMessage>(desc: Desc) {
  return (bytes: Uint8Array) => fromBinary(desc, bytes);
}
