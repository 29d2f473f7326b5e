import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, type ClientReadableStream, credentials } from "@grpc/grpc-js";

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

  constructor(addr: string) {
    // Each connection its own, also within one process: a crowd of workers is a crowd of connections.
    this.#client = new Client(addr, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
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
    );
  }

  bidi<I extends DescMessage, O extends DescMessage>(
    method: Method<"bidi_streaming", I, O>,
  ): ClientDuplexStream<MessageShape<I>, MessageShape<O>> {
    return this.#client.makeBidiStreamRequest(pathOf(method), encoder(method.input), decoder(method.output));
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
