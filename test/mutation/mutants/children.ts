import { edit, type Mutant, type TestName } from "../mutant.js";

const inChild = (name: string): TestName => ({ file: "test/actors/child.test.ts", name });
const child = "actors/task/child.ts";

/** Ways in which a Task could belong to a Step that must not be, or be missing that must. */
export const childMutants: readonly Mutant[] = [
  {
    name: "a step of a template finds no room where only clients have none",
    edits: [
      edit(
        child,
        'by === "agent" ? view.waitingLimit(namespace) : undefined',
        "view.waitingLimit(namespace)",
      ),
    ],
    test: inChild("what an operator lets wait"),
  },
  {
    name: "an agent asks for as many children as it likes",
    edits: [edit(child, "waiting >= set", "waiting < set - set")],
    test: inChild("what an operator lets wait"),
  },
  {
    name: "children are of any namespace",
    edits: [
      edit(child, "if (template && isForeign(template, namespace)) {", 'if (template && namespace === "") {'),
    ],
    test: inChild("a child is of its parent's namespace"),
  },
  {
    name: "an agent gives its child any depth and any parent",
    edits: [
      edit(
        child,
        "...wanted.spec(plan), ...ofPlan, ...ofParent",
        "...ofPlan, ...ofParent, ...wanted.spec(plan)",
      ),
    ],
    test: inChild("belongs to the Step"),
  },
];
