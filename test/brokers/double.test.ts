import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instant, millis } from "#domain/time/time";
import type { Wake } from "#ports/broker";
import { brokerSuite } from "#testing/broker-suite/index";
import { seededEntropy, VirtualClock } from "#testing/virtual-time";
import { BrokerDouble } from "../runtime/kit/broker-double.js";

brokerSuite(
  "the broker of the simulation, in good weather",
  async () => {
    const double = new BrokerDouble(new VirtualClock(), () => 0.5);
    return {
      join: () => double.join(),
      async cut(broker) {
        double.cut(broker);
        double.mend(broker);
      },
      close: async () => {},
    };
  },
  { describe, test, expect, fc },
);

test("in bad weather wakes are lost, doubled, late and out of order", async () => {
  const clock = new VirtualClock(0);
  const double = new BrokerDouble(clock, seededEntropy(1).draw);
  const [from, to] = [double.join(), double.join()];
  const heard: Wake[] = [];
  const listener = { wakes: (wakes: readonly Wake[]) => void heard.push(...wakes), gap: () => {} };
  from.subscribe({ wakes: () => {}, gap: () => {} });
  to.subscribe(listener);
  double.weather = { lost: 0.2, doubled: 0.2, delay: millis(3_000) };
  from.publish(Array.from({ length: 200 }, (_, i) => ({ type: "due", at: instant(i) }) as const));
  expect(heard).toEqual([]);
  await clock.advance(3_000);

  const numbers = heard.map((wake) => (wake.type === "due" ? wake.at : -1));
  const different = new Set(numbers).size;
  expect(different).toBeGreaterThan(140);
  expect(different).toBeLessThan(180);
  expect(numbers.length).toBeGreaterThan(different + 10);
  expect(numbers).not.toEqual([...numbers].sort((a, b) => a - b));
});
