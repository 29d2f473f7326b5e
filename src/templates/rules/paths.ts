import { readPath } from "#domain/graph/path";
import type { TemplateStep } from "#domain/template/template";
import { shown } from "../read/finding.js";
import type { Subject } from "./subject.js";

/** Checks that paths read the input or the result of a direct dependency, which exists when the step starts. */
export function checkPaths(subject: Subject): void {
  for (const step of subject.steps) {
    const { map, child } = step;
    if (map?.over !== undefined) checkPath(step, "map", map.over, subject);
    if (child?.input !== undefined) checkPath(step, "child", child.input, subject);
    if (map?.over === "input") {
      subject.say("BAD_PATH", "map.over is the whole input, an object: name the list in it", step, "map");
    }
  }
}

function checkPath(step: TemplateStep, part: "map" | "child", text: string, { byName, say }: Subject): void {
  const label = `${step.name}: ${part === "map" ? "map.over" : "child.input"}`;
  const path = readPath(text);
  if (!path) {
    say("BAD_PATH", `${label} is ${shown(text)}; write input/… or results/STEP/…`, step, part);
    return;
  }
  const { stepName } = path;
  if (stepName === "") return;
  if (!step.dependencies?.includes(stepName)) {
    say("BAD_PATH", `${label} reads the result of ${shown(stepName)}: add that to dependencies`, step, part);
  } else if (byName.get(stepName)?.type === "batch_worker") {
    say(
      "BAD_PATH",
      `${label} reads the result of ${stepName}, which has one for each batch: join them first`,
      step,
      part,
    );
  }
}
