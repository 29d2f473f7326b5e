import { broker } from "./broker.js";
import { budgets } from "./budgets.js";
import { cli } from "./cli.js";
import { client } from "./client.js";
import { connections } from "./connections.js";
import { deadLetters } from "./dead-letters.js";
import { enrolment } from "./enrolment.js";
import { explain } from "./explain.js";
import { inspect } from "./inspect.js";
import { inspectPage } from "./inspect-page.js";
import { journal } from "./journal.js";
import { messages } from "./messages.js";
import { models } from "./models.js";
import { nodes } from "./nodes.js";
import { overview } from "./overview.js";
import { pages } from "./pages.js";
import { pauses } from "./pauses.js";
import { postgres } from "./postgres.js";
import { repair } from "./repair.js";
import { schemas } from "./schemas.js";
import { security } from "./security.js";
import { store } from "./store.js";
import { streams } from "./streams.js";
import { tasker } from "./tasker.js";
import { templates } from "./templates.js";
import { testKit } from "./test-kit.js";
import { traces } from "./traces.js";
import { turn } from "./turn.js";
import { usage } from "./usage.js";
import { work } from "./work.js";
import { workerLibrary } from "./worker-library.js";
import { workers } from "./workers.js";

/**
 * Every bound of TaskRun: of each queue, message, page, wait, retry, buffer, cache and loop. The reason of each stands with it in
 * its section; `docs/limits.md` is made from them, in this order (`npm run docs`). Sizes are in bytes, times in milliseconds.
 */
export const limits = Object.freeze({
  ...messages,
  ...streams,
  ...connections,
  ...security,
  ...enrolment,
  ...work,
  ...workers,
  ...explain,
  ...journal,
  ...budgets,
  ...usage,
  ...repair,
  ...deadLetters,
  ...pauses,
  ...turn,
  ...pages,
  ...overview,
  ...tasker,
  ...templates,
  ...schemas,
  ...traces,
  ...store,
  ...postgres,
  ...broker,
  ...nodes,
  ...workerLibrary,
  ...models,
  ...inspect,
  ...client,
  ...cli,
  ...inspectPage,
  ...testKit,
});
