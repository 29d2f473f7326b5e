/** For tests of what is built on the plane: virtual time, transcripts, and the suite every store must pass. */
export * from "./store-suite.js";
export { type AddressedMessage, play, playFrom, stateText } from "./transcript.js";
export { seededEntropy, settle, VirtualClock } from "./virtual-time.js";
