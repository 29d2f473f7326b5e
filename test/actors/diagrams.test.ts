import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { setup } from "xstate";
import { type ActorName, commands } from "#actors/commands";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import { actorNames } from "#runtime/machines/actors";
import { redrawn, stateDiagram } from "./diagrams.js";

const path = fileURLToPath(new URL("../../actors/README.md", import.meta.url));
const page = readFileSync(path, "utf8");

test("the diagrams in actors/README.md are the machines' own", async () => {
  const refresh =
    "the machines have changed; redraw them with: npx vitest run --project core test/actors/diagrams -u";

  await expect(redrawn(page), refresh).toMatchFileSnapshot(path);
});

test("a diagram shows starts and ends, guards, what is heard in passing, and regions side by side", () => {
  const lamp = setup({
    types: { events: {} as { type: "press" } | { type: "dim" } | { type: "blow" } },
    guards: { whole: () => true },
  }).createMachine({
    id: "lamp",
    type: "parallel",
    states: {
      light: {
        initial: "off",
        states: {
          off: { on: { press: { guard: "whole", target: "on" } } },
          on: { on: { press: "off", dim: {} } },
        },
      },
      fuse: { initial: "whole", states: { whole: { on: { blow: "blown" } }, blown: { type: "final" } } },
    },
  });

  expect(stateDiagram(lamp)).toMatchInlineSnapshot(`
    "\`\`\`mermaid
    stateDiagram-v2
      state lamp {
        [*] --> off
        on : on
        on : dim
        off --> on : press [whole]
        on --> off : press
        --
        [*] --> whole
        whole --> blown : blow
        blown --> [*]
      }
    \`\`\`"
  `);
});

/** The names that stand first in the rows of the table below a heading. */
function listed(heading: string): string[] {
  const part = page.split(/^## /m).find((section) => section.startsWith(heading)) ?? "";
  return [...part.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name ?? "");
}

test("actors/README.md lists every actor, and every ask in its group and order", () => {
  expect(listed("Actors")).toEqual(actorNames satisfies readonly ActorName[]);
  expect(listed("Commands")).toEqual(Object.keys(commands));
});

test("actors/README.md tells what the finalizer hears from within a turn: all that nobody outside says", () => {
  const outside = [
    "run.ended",
    "cancel",
    "signal",
    "resolve",
    "top.up",
    "task.stale",
    "update.dead.letter",
    "deadline.passed",
  ];
  const life = ["serve", "fill", "ease", "drain", "stop"];
  const within = taskFinalizerMachine.events.filter(
    (type) => !outside.includes(type) && !life.includes(type),
  );
  expect(listed("Messages within a turn").sort()).toEqual([...within].sort());
});
