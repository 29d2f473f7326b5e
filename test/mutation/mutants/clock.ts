import { edit, type Mutant, type TestName } from "../mutant.js";

const clock = (name: string): TestName => ({ file: "test/runtime/wall-clock.test.ts", name });

const planeTime = "src/domain/time/plane-time.ts";

/** Ways to believe a wall clock that is wrong at the start. */
export const clockMutants: readonly Mutant[] = [
  {
    name: "any later wall clock is believed at the start",
    edits: [
      edit(
        planeTime,
        'return accept ? start(wall, "accepted") : start(persisted, "ahead");',
        'return start(wall, "accepted");',
      ),
    ],
    test: clock("by ten years ahead ends nothing and removes nothing"),
  },
  {
    name: "time goes back with the wall clock at the start",
    edits: [edit(planeTime, "if (gap < 0) return start(persisted,", "if (gap < 0) return start(wall,")],
    test: clock("by ten years behind changes nothing at all"),
  },
  {
    name: "time without a server makes tasks old at once",
    edits: [edit("src/runtime/timers/retention.ts", "clock.now() - this.#unproven();", "clock.now();")],
    test: clock("removes nothing before somebody could object"),
  },
  {
    name: "ids are dated by the wall clock",
    edits: [edit("src/control-plane.ts", "nodeEntropy(() => clock.now())", "nodeEntropy()")],
    test: { file: "test/e2e/wall-clock.test.ts", name: "a wall clock ten years ahead ends nothing" },
  },
];
