import { expect, test } from "vitest";
import { silentTelemetry } from "#host/silent-telemetry";
import { InspectionHub } from "#inspect/hub";
import type { Viewer, ViewerOptions } from "#inspect/viewer";
import type { Inspection } from "#ports/inspection";
import { seededEntropy } from "#testing/virtual-time";
import { runSeed } from "../simulation/run-seed.js";
import type { World } from "../simulation/world.js";
import { Replay } from "./kit/replay.js";
import { differences } from "./kit/truth.js";

/** More of them by night: INSPECTED_SEEDS=500. */
const SEEDS = Number(process.env.INSPECTED_SEEDS ?? 12);

/** A reader of one process of the plane, and what it has seen. */
interface Reader {
  readonly viewer: Viewer;
  readonly replay: Replay;
}

function take({ viewer, replay }: Reader, most?: number): string[] {
  const before = replay.events.length;
  const { items } = viewer.take(most);
  for (const { json } of items) replay.take(json);
  return replay.events.slice(before).map(({ sessionId }) => sessionId);
}

/** All that waits. */
function drain(reader: Reader): Set<string> {
  const seen = new Set<string>();
  while (!reader.viewer.isIdle) for (const id of take(reader)) seen.add(id);
  return seen;
}

/**
 * Inspects a process of the plane from some moment on. After each turn, a reader that has read everything must know
 * what the store knows of every actor that the turn has told of.
 *
 * @param patience turns for which the reader reads nothing, after it has read everything
 */
function inspected(world: World, draw: () => number, found: Found, patience: number): Inspection {
  const hub = new InspectionHub({ telemetry: silentTelemetry() });
  let reader: Reader | undefined;
  let turns = 0;
  const attach = (options: ViewerOptions = {}) => {
    const viewer = hub.attach(options);
    if (viewer) reader = found.reader = { viewer, replay: new Replay() };
  };
  found.reader = undefined;
  if (draw() < 0.5) attach();
  return {
    get attached() {
      // Also in the middle of a turn.
      if (!reader && draw() < 0.05) attach();
      return hub.attached;
    },
    open: (source) => hub.open(source),
    publish: (turn) => {
      hub.publish(turn);
      turns += 1;
      if (!reader || turns % (patience + 1) !== 0) return;
      const { actors, problems } = reader.replay;
      const wrong = differences(actors, world.mirror, drain(reader));
      found.compared += 1;
      found.wrong.push(...wrong, ...problems.splice(0));
      if (draw() < 0.01) {
        reader.viewer.close();
        reader = found.reader = undefined;
      }
    },
  };
}

interface Found {
  compared: number;
  readonly wrong: string[];
  /** Of the process that is up. */
  reader: Reader | undefined;
}

test.each([
  ["reads at once", 0],
  ["reads now and then", 20],
])(
  `whoever %s knows of every actor what the store knows, in ${SEEDS} worlds of crashes and refused commits`,
  async (_, patience) => {
    const found: Found = { compared: 0, wrong: [], reader: undefined };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { draw } = seededEntropy(seed);
      let last: World | undefined;
      await runSeed(seed, (world) => {
        last = world;
        return inspected(world, draw, found, patience);
      });
      if (found.reader && last) {
        drain(found.reader);
        found.wrong.push(
          ...differences(found.reader.replay.actors, last.mirror),
          ...found.reader.replay.problems,
        );
      }
      expect(found.wrong.slice(0, 5), `seed ${seed}`).toEqual([]);
    }
    expect(found.compared).toBeGreaterThan(SEEDS);
  },
);
