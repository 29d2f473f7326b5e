import { later, type Millis, millis } from "#domain/time/time";
import type { Broker, BrokerListener, Wake } from "#ports/broker";
import type { Clock } from "#ports/clock";

/** What may befall a wake on its way to one other node. Chances from 0 to 1, each drawn anew. */
export interface BrokerWeather {
  /** It never arrives, and nobody is told. */
  readonly lost?: number;
  /** It arrives twice, the second time later. */
  readonly doubled?: number;
  /** The longest that it is under way; each takes a part of it by chance, so that they overtake each other. */
  readonly delay?: Millis;
}

/** Brokers in virtual time that lose, double, delay and reorder wakes, and whose connections a test can cut. */
export class BrokerDouble {
  readonly #clock: Clock;
  readonly #draw: () => number;
  readonly #members = new Set<Member>();
  #weather: BrokerWeather = {};
  /** Every wake that was published, by whom. */
  readonly published: { readonly by: Broker; readonly wake: Wake }[] = [];

  /** @param draw uniform in [0, 1); in good weather nothing is drawn */
  constructor(clock: Clock, draw: () => number) {
    this.#clock = clock;
    this.#draw = draw;
  }

  join(): Broker {
    return new Member((by, wakes) => this.#publish(by, wakes), this.#members);
  }

  set weather(weather: BrokerWeather) {
    this.#weather = weather;
  }

  /** From now on the broker neither hears nor is heard, until {@link mend}. */
  cut(broker: Broker): void {
    (broker as Member).isCut = true;
  }

  /** Connects it again: its listener is told of a gap. */
  mend(broker: Broker): void {
    const member = broker as Member;
    if (!member.isCut) return;
    member.isCut = false;
    this.#later(() => member.connectedAgain());
  }

  #publish(by: Member, wakes: readonly Wake[]): void {
    for (const wake of wakes) this.published.push({ by, wake });
    for (const member of this.#members) {
      if (member === by) continue;
      const { lost = 0, doubled = 0 } = this.#weather;
      const passing = wakes.filter(() => !this.#happens(lost));
      // In good weather they arrive together, as they were sent.
      if (this.#weather.delay === undefined) this.#later(() => member.hear(passing));
      else for (const wake of passing) this.#later(() => member.hear([wake]));
      for (const wake of passing) if (this.#happens(doubled)) this.#later(() => member.hear([wake]));
    }
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#draw() < chance;
  }

  #later(arrive: () => void): void {
    const { delay } = this.#weather;
    if (delay === undefined) queueMicrotask(arrive);
    else this.#clock.wakeAt(later(this.#clock.now(), millis(Math.floor(this.#draw() * delay))), arrive);
  }
}

class Member implements Broker {
  readonly #publish: (by: Member, wakes: readonly Wake[]) => void;
  readonly #members: Set<Member>;
  #listener: BrokerListener | undefined;
  isCut = false;

  constructor(publish: (by: Member, wakes: readonly Wake[]) => void, members: Set<Member>) {
    this.#publish = publish;
    this.#members = members;
  }

  get connected(): boolean {
    return this.#listener !== undefined && !this.isCut;
  }

  publish(wakes: readonly Wake[]): void {
    if (this.connected) this.#publish(this, wakes);
  }

  subscribe(listener: BrokerListener): void {
    this.#listener = listener;
    this.#members.add(this);
    queueMicrotask(() => this.connectedAgain());
  }

  connectedAgain(): void {
    if (!this.isCut) this.#listener?.gap();
  }

  hear(wakes: readonly Wake[]): void {
    if (this.connected && wakes.length > 0) this.#listener?.wakes(wakes);
  }

  async close(): Promise<void> {
    this.#members.delete(this);
    this.#listener = undefined;
  }
}
