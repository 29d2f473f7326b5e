/**
 * Loaded into a server process that was started with `--expose-gc`: when it is asked over its channel, collects all garbage and says
 * what is left.
 */
export interface Weight {
  /** Bytes of objects that are reachable. */
  readonly heapBytes: number;
}

process.on("message", () => {
  // What is freed by finalizers of the first collection goes with the second.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    const weight: Weight = { heapBytes: process.memoryUsage().heapUsed };
    process.send?.(weight);
  });
});
// Whoever asks is no reason to live on.
process.channel?.unref();
