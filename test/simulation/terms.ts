import { millis } from "#domain/time/time";
import type { LeaseTerms } from "#domain/worker/worker";

export const TERMS: LeaseTerms = {
  lease: millis(30_000),
  heartbeat: millis(5_000),
  publicLease: millis(90_000),
};
