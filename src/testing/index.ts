/** For tests of what is built on the plane: virtual time, transcripts, and the suite every store must pass. */
export * from "./store-suite.js";
export { play, playFrom, stateText, type Told } from "./transcript.js";
export { seededEntropy, settle, VirtualClock } from "./virtual-time.js";
