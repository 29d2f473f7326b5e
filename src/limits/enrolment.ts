import { millis } from "#domain/time/time";

/**
 * # Enrolment of workers
 *
 * What a server's authority signs for workers, and what an attempt to get a certificate may cost.
 */
export const enrolment = {
  /** How long the issuing authority lasts: its key is in use every day, and a new one costs nobody anything. */
  issuingLife: millis(90 * 86_400_000),
  /** A worker's certificate lasts no longer: a key that is stolen is of use for a day at most. */
  workerCertificateLife: millis(86_400_000),
  /** A worker's certificate lasts no shorter: it is renewed at two thirds, and a server may be away for a minute. */
  workerCertificateLeast: millis(5 * 60_000),
  /** How long a stream goes on after the end of its certificate: its worker may be about to renew it. */
  certificateGrace: millis(30_000),
  /** A request for a certificate: that of a key of 4096 bits has 1.7 KB. */
  csrBytes: 8 * 1024,
  /** The longest name of a worker that is invited: a segment of an identity, and a word in a list. */
  workerNameChars: 64,
  /** How long an invitation can be used if nobody says: as long as it takes to type a line on another machine. */
  inviteLife: millis(15 * 60_000),
  /** The longest life of an invitation. */
  inviteLifeMost: millis(86_400_000),
  /** Invitations made in one request. */
  invitesAtOnce: 100,
  /** How long the same token with the same key gets the same answer, for a worker whose answer was lost. */
  enrolAgain: millis(5 * 60_000),
  /** Attempts to enrol that fail from one address before it has to wait: people make typing errors. */
  enrolBurst: 20,
  /** Attempts that an address gets back in a second. */
  enrolPerSecond: 1,
  /** Attempts with one token that fail before it has to wait, and those that it gets back in a minute. */
  enrolPerToken: 10,
  /** Addresses and tokens whose failed attempts are remembered, 100 bytes each. */
  enrolRemembered: 10_000,
  /** Certificates of a worker that count, the newest ones: it uses one, and may have lost the answers of some renewals. */
  certificatesPerWorker: 8,
  /** How often a server looks for workers that were revoked by another one. */
  revocationEvery: millis(2_000),
  /** A server that could not look for this long admits no worker by certificate. */
  revocationStale: millis(30_000),
  /** How often open streams of workers are compared with what was revoked and what has ended. */
  revocationSweep: millis(1_000),
  /** Rows of enrolment that have ended are removed this long after their end: until then a list shows them. */
  enrolmentKept: millis(7 * 86_400_000),
  /** Rows that are removed in one statement, so that none of them takes long. */
  enrolmentRemoved: 500,
  /** How often rows that have ended are looked for: nobody waits for it. */
  enrolmentCleaned: millis(600_000),
  /** Workers that are enrolled, in one list: 300 bytes each. */
  enrolledListed: 10_000,
  /** Tries of a change that another server's change has got ahead of. */
  enrolmentTries: 5,
  /** How long a try of the SDK to enrol, or to renew, waits for its answer. */
  enrolAnswer: millis(10_000),
  /** The wait before the SDK tries again to renew a certificate: of its last third there is time for many. */
  renewalRetry: millis(5_000),
  /** The longest of these waits. */
  renewalRetryMost: millis(300_000),
  /** How far the renewals of workers are spread that are told of another authority, for each: a signature takes 2 ms. */
  renewalSpread: millis(20),
  /** How far they are spread at most. */
  renewalsSpread: millis(300_000),
  /** How long it counts what a server has said of its part in the rotation of the authority; it says so twice as often. */
  authorityWord: millis(30_000),
  /** Workers and servers that a rotation waits for, in one answer. */
  authorityWaiting: 100,
  /** Workers that a rotation has left behind, in one answer. */
  authorityLeft: 1_000,
  /** An answer about the authority, with the longest names. */
  authorityAnswer: 512 * 1024,
  /** How long a worker that is about to connect anew asks for no more runs: as long as a busy server takes to hear of it. */
  reconnectQuiet: millis(500),
} as const;
