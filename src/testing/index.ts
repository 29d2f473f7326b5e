/** Test tools for users of the plane: virtual time, transcripts of machines, and the suite that every store must pass. */
export * from "./store-suite/index.js";
export { type AddressedMessage, play, playFrom, stateText } from "./transcript.js";
export { seededEntropy, settle, VirtualClock } from "./virtual-time.js";
