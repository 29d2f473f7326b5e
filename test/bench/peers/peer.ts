/** Another system and its load, in one process: started with its name and the URL of its database. */
import { answer } from "../child.js";
import { keepGoing } from "../keep-going.js";
import type { LoadResult } from "../load-words.js";
import type { PeerName, PeerOrder } from "./names.js";
import type { StartPeer } from "./start.js";

/** Loaded one at a time: none of them pays for the others. */
const starts: Readonly<Record<PeerName, () => Promise<StartPeer>>> = {
  "graphile-worker": async () => (await import("./graphile-worker.js")).startGraphileWorker,
  "pg-boss": async () => (await import("./pg-boss.js")).startPgBoss,
  DBOS: async () => (await import("./dbos.js")).startDbos,
};

const [name = "", url = ""] = process.argv.slice(2);
const start = await starts[name as PeerName]();
const peer = await start(url);
answer<PeerOrder, LoadResult>(({ inFlight, ms }) => keepGoing(inFlight, ms, () => peer.job()));
