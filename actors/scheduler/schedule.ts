import { tellScheduler } from "../make-command.js";
import type { SchedulerHandler } from "./handler.js";
import { choose, isServed } from "./placement.js";

/** Last in a turn: each free slot is given a ready Step that is not paused, in fairness; then their rows are weighed. */
export const schedule: SchedulerHandler<"schedule"> = {
  needs: () => ({}),

  decide(_message, view, { at }, before) {
    const { workers, runIds } = view.offer;
    const lanes = view.lanes.filter(({ lane }) => isServed(lane, view.pauses));
    const { placements, served } = choose(lanes, workers, runIds, before, at);
    if (placements.length === 0) return { commands: [], served };
    return { commands: [tellScheduler({ type: "weigh", placements })], served };
  },
};
