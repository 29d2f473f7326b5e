/** The end of a chain, as a checkpoint names it. */
export interface ChainMark {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/**
 * A signed word about the log, kept outside of the store: that at this instant a chain ended there (`checkpoint`), or that its
 * entries up to there were removed for their age (`removed`). It names the ends of the other chains too, so that no chain of
 * a node that is gone can lose its end, or vanish, unseen.
 */
export interface Checkpoint extends ChainMark {
  readonly kind: "checkpoint" | "removed";
  readonly at: number;
  readonly others: readonly ChainMark[];
  /** The public key, as base64 of its SPKI. */
  readonly key: string;
  /** Ed25519 over {@link signedText}, in base64. */
  readonly signature: string;
}

/** What is signed: all but the signature, in one form. */
export function signedText({
  kind,
  chain,
  seq,
  hash,
  at,
  others,
  key,
}: Omit<Checkpoint, "signature">): string {
  const marks = others.map((mark) => ({ chain: mark.chain, seq: mark.seq, hash: mark.hash }));
  return JSON.stringify({ kind, chain, seq, hash, at, others: marks, key });
}

/** One line of a file of checkpoints. */
export function checkpointLine(checkpoint: Checkpoint): string {
  return `${signedText(checkpoint).slice(0, -1)},"signature":${JSON.stringify(checkpoint.signature)}}`;
}
