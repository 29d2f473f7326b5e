import type { Message } from "@bufbuild/protobuf";
import type { Fault } from "#domain/fault";

/**
 * What was decoded of one request and the handler has not taken. Connect carries an empty message for each, so that
 * there are no more of them than it reads ahead.
 */
export class ReceivedMessages {
  readonly #waiting: Message[] = [];
  #fault: Fault | undefined;

  push(message: Message): void {
    this.#waiting.push(message);
  }

  /** Call at most once, with why no further message comes. */
  fail(fault: Fault): void {
    this.#fault = fault;
  }

  /**
   * Takes the next message, in place of one that Connect has decoded.
   *
   * @throws {Fault} what is wrong with the request, after the messages that came before
   */
  take(decoded: Message): Message {
    const message = this.#waiting.shift();
    if (message) return message;
    if (this.#fault) throw this.#fault;
    return decoded;
  }

  /** Takes the messages of a stream. */
  async *takeAll(decoded: AsyncIterable<Message>): AsyncGenerator<Message, void> {
    for await (const each of decoded) yield this.take(each);
  }
}
