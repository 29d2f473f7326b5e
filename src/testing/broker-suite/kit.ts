import type { Broker, Wake } from "#ports/broker";
import type { TestKit } from "../store-suite/kit.js";

/** The brokers of the nodes of one store, which has no other. */
export interface BrokerFixture {
  /** A broker of one more node. */
  join(): Broker;
  /** Breaks the connection of a broker, which then connects again. Absent if it has none that can break. */
  cut?(broker: Broker): Promise<void>;
  /** Called when the test is over and its brokers are closed. */
  close(): Promise<void>;
}

/** What one node has heard. */
export interface Ear {
  readonly broker: Broker;
  readonly heard: Wake[];
  gaps: number;
}

/** One group of tests. `use` opens a fixture, and closes it and its brokers when the test is over. */
export interface BrokerTests extends TestKit {
  use(body: (join: () => Promise<Ear>, fixture: BrokerFixture) => Promise<void>): () => Promise<void>;
}

/** How often something is looked for, 20 ms apart, before a test fails. */
const LOOKS = 500;

export function brokerTests(open: () => Promise<BrokerFixture>, kit: TestKit): BrokerTests {
  return {
    ...kit,
    use: (body) => async () => {
      const fixture = await open();
      const ears: Ear[] = [];
      const join = async () => {
        const ear = listening(fixture.join());
        ears.push(ear);
        await until(() => ear.broker.connected && ear.gaps > 0);
        return ear;
      };
      try {
        await body(join, fixture);
      } finally {
        await Promise.all(ears.map(({ broker }) => broker.close()));
        await fixture.close();
      }
    },
  };
}

function listening(broker: Broker): Ear {
  const ear: Ear = { broker, heard: [], gaps: 0 };
  broker.subscribe({
    wakes: (wakes) => void ear.heard.push(...wakes),
    gap: () => {
      ear.gaps += 1;
    },
  });
  return ear;
}

/** Resolves when all of them were heard. */
export function hears({ heard }: Ear, wakes: readonly Wake[]): Promise<void> {
  return until(() => wakes.every((wake) => heard.some((each) => same(each, wake))));
}

export function same(one: Wake, other: Wake): boolean {
  return JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
}

export async function until(holds: () => boolean): Promise<void> {
  for (let looks = 0; !holds(); looks += 1) {
    if (looks === LOOKS) throw new Error(`it did not come to this: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
