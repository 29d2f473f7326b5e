import { advanceWorker } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";

/** A worker's stream has ended; its lease goes on. */
export const closed: RunTrackerHandler<"closed"> = {
  needs: () => ({}),

  decide: ({ session }, _view, { at }) => [advanceWorker(session, { type: "closed", at })],
};
