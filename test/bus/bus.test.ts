import { expect, test } from "vitest";
import { Bus, type Envelope, type Posted } from "#bus/bus";
import { settle } from "#testing/virtual-time";

type Name = "left" | "right";
type Mail = Envelope<Name, string>;

function mail(to: Name, message: string, weight = 0): Mail {
  return { to, message, source: "gateway", weight };
}

function busOf(capacity: number) {
  let woken = 0;
  const bus = new Bus<Name, string>(["left", "right"], { count: capacity, bytes: 1_000 }, () => {
    woken += 1;
  });
  return { bus, woken: () => woken };
}

function words(posted: readonly Posted<Name, string>[]): string {
  return posted.map(({ envelope }) => envelope.message).join(" ");
}

test("messages come out in the order they came in, whichever mailbox they lie in", () => {
  const { bus } = busOf(10);
  for (const [to, message] of [
    ["left", "1"],
    ["right", "2"],
    ["right", "3"],
    ["left", "4"],
  ] as const) {
    bus.post(mail(to, message));
  }
  expect(words(bus.take(3, 1_000))).toBe("1 2 3");
  expect(words(bus.take(3, 1_000))).toBe("4");
  expect(bus.isEmpty).toBe(true);
});

test("one full mailbox refuses and wakes nobody; the other goes on", () => {
  const { bus, woken } = busOf(1);
  expect(bus.post(mail("left", "1"))).toBe(true);
  expect(bus.post(mail("left", "2"))).toBe(false);
  expect(bus.post(mail("right", "3"))).toBe(true);
  expect(woken()).toBe(2);
  expect(bus.depth("left")).toEqual({ size: 1, capacity: 1 });
  expect(words(bus.take(9, 9))).toBe("1 3");
});

test("a turn takes up to so many bytes, but always one message", () => {
  const { bus } = busOf(10);
  for (const [message, weight] of [
    ["big", 50],
    ["a", 4],
    ["b", 5],
    ["c", 2],
  ] as const) {
    bus.post(mail("left", message, weight));
  }
  expect(words(bus.take(9, 10))).toBe("big");
  expect(words(bus.take(9, 10))).toBe("a b");
  expect(words(bus.take(9, 10))).toBe("c");
});

test("what a turn gives back lies in its old places, before everything that came meanwhile", () => {
  const { bus, woken } = busOf(10);
  bus.post(mail("left", "1"));
  bus.post(mail("right", "2"));
  bus.post(mail("left", "3"));
  const taken = bus.take(3, 100);
  bus.post(mail("right", "4"));
  bus.post(mail("left", "5"));
  bus.giveBack(taken.slice(1));
  expect(woken()).toBe(6);
  expect(words(bus.take(9, 100))).toBe("2 3 4 5");
});

test("giving nothing back wakes nobody", () => {
  const { bus, woken } = busOf(1);
  bus.giveBack([]);
  expect(woken()).toBe(0);
});

test("who waits for room is called when there is some, and finds the mailbox full again if another was faster", async () => {
  const { bus } = busOf(1);
  bus.post(mail("left", "1"));
  const order: string[] = [];
  const wait = async (name: string) => {
    do await bus.room("left");
    while (!bus.post(mail("left", name)));
    order.push(name);
  };
  void wait("first");
  void wait("second");
  await settle();
  expect(order).toEqual([]);

  expect(words(bus.take(9, 9))).toBe("1");
  await settle();
  expect(order).toEqual(["first"]);
  expect(words(bus.take(9, 9))).toBe("first");
  await settle();
  expect(order).toEqual(["first", "second"]);
});

test("room in a mailbox that is not full is there at once", async () => {
  const { bus } = busOf(1);
  await expect(bus.room("right")).resolves.toBeUndefined();
});
