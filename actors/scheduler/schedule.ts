import { tellScheduler } from "../make-command.js";
import type { SchedulerHandler } from "./handler.js";
import { choose } from "./placement.js";

/** Last in a turn: each free slot is given a ready Step, in fairness; then their rows are weighed. */
export const schedule: SchedulerHandler<"schedule"> = {
  needs: () => ({}),

  decide(_message, view, { at }, before) {
    const { workers, runIds } = view.offer;
    const { placements, served } = choose(view.lanes, workers, runIds, before, at);
    if (placements.length === 0) return { commands: [], served };
    return { commands: [tellScheduler({ type: "weigh", placements })], served };
  },
};
