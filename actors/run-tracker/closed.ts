import { advanceWorker } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";
import { rowKeysOf } from "./worker-rows.js";

/** A worker's stream has ended; its lease goes on. */
export const closed: RunTrackerHandler<"closed"> = {
  needs: ({ session }, view) => ({ workers: rowKeysOf(view.session(session), view) }),

  decide: ({ session }, _view, { at }) => [advanceWorker(session, { type: "closed", at })],
};
