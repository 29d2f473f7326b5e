import { edit, type Mutant, type TestName } from "../mutant.js";

const segments = "actors/task/segments.ts";
const open = "actors/task-finalizer/map-open.ts";
const collect = "actors/task-finalizer/map-collect.ts";

const actor = (name: string): TestName => ({ file: "test/actors/task-finalizer/map.test.ts", name });
const whole = (name: string): TestName => ({ file: "test/runtime/workflows/long-maps.test.ts", name });

/** Ways to cut a long map wrong. */
export const longMapMutants: readonly Mutant[] = [
  {
    name: "long map: each segment counts its items from 0",
    edits: [edit(open, "const index = first + place;", "const index = place;")],
    test: actor("the map of a segment goes over its own input"),
  },
  {
    name: "long map: each segment has the concurrency of the whole map",
    edits: [
      edit(
        segments,
        "return { atOnce, concurrency: Math.floor(concurrency / atOnce) };",
        "return { atOnce, concurrency };",
      ),
    ],
    test: whole("of its members at most 10 run at a time"),
  },
  {
    name: "long map: a segment without a result counts as one item",
    edits: [edit(collect, "Array.from({ length: segment.count }", "Array.from({ length: 1 }")],
    test: actor("segments contribute the results of their own maps"),
  },
  {
    name: "long map: what a segment did is not compensated",
    edits: [edit(segments, "isCompensable: map.spec.compensation !== undefined", "isCompensable: false")],
    test: whole("what its members did is compensated once each"),
  },
  {
    name: "long map: a member reads no result from before the map",
    edits: [
      edit(
        "src/api/runs/get-run-step-result.ts",
        "return isSegment && parent ?",
        "return !isSegment && parent ?",
      ),
    ],
    test: { file: "test/gateway/step-results.test.ts", name: "a Run of a segment of a map reads" },
  },
  {
    name: "an environment may name any worker for a batch",
    edits: [
      edit(
        "src/templates/rules/rules.ts",
        "  checkBatchOverrides(body, subject, reader, findings);",
        "  if (!subject) checkBatchOverrides(body, subject, reader, findings);",
      ),
    ],
    test: { file: "test/templates/foreign.test.ts", name: "in an environment is an error" },
  },
];
