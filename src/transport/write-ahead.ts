import type { Writable } from "node:stream";

type Written = (error?: Error | null) => void;

/**
 * Has the next message asked for as soon as a stream has room for it, not only when the one before has left. What comes
 * meanwhile leaves with one write, which makes a stream of many small messages cheaper at both ends, above all with TLS. The
 * stream's own bound is kept: without room, the next message is asked for when the one before has left.
 *
 * The transport asks in the callback of its write, so that is what is called early.
 */
export function writeAhead(stream: Writable): void {
  const write = stream.write.bind(stream);
  stream.write = (chunk: unknown, encoding?: BufferEncoding | Written, written?: Written): boolean => {
    if (typeof encoding !== "string") return write(chunk, encoding);
    let isTold = false;
    const tell: Written = (error) => {
      if (isTold) return;
      isTold = true;
      written?.(error);
    };
    const isRoomy = write(chunk, encoding, tell);
    if (isRoomy) tell();
    return isRoomy;
  };
}
