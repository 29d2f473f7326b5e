import type { Broker, BrokerListener } from "#ports/broker";

/**
 * What a server has besides its plane to tell the others, over the broker of the plane: that a credential has changed.
 */
export class CredentialWakes {
  readonly #broker: Broker | undefined;
  #heard: () => void = () => {};

  /** @param broker undefined of a server that is alone on its store */
  constructor(broker: Broker | undefined) {
    this.#broker = broker;
  }

  /** The broker as the plane is to have it: what is heard of credentials is told here, too. */
  get broker(): Broker | undefined {
    const broker = this.#broker;
    return (
      broker && {
        get connected() {
          return broker.connected;
        },
        publish: (wakes) => broker.publish(wakes),
        subscribe: (listener) => broker.subscribe(this.#beside(listener)),
        close: () => broker.close(),
      }
    );
  }

  /** Calls `heard` whenever another server may have changed a credential. It must not throw. Replaces the one before. */
  hear(heard: () => void): void {
    this.#heard = heard;
  }

  /** Tells the other servers that a credential has changed. */
  publish(): void {
    this.#broker?.publish([{ type: "credentials" }]);
  }

  #beside(listener: BrokerListener): BrokerListener {
    return {
      wakes: (wakes) => {
        if (wakes.some(({ type }) => type === "credentials")) this.#heard();
        listener.wakes(wakes);
      },
      gap: () => {
        this.#heard();
        listener.gap();
      },
    };
  }
}
