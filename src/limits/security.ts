import { millis } from "#domain/time/time";

/**
 * # Certificates and credentials
 *
 * What a server makes of its own with `--tls auto`, and how long what it has learnt of others counts.
 */
export const security = {
  /** How often the files of a certificate are looked at: it is replaced weeks before its end, and nobody waits for it. */
  certificateEvery: millis(10_000),
  /** A file of a certificate, key or credential that is longer is refused: chains of certificates have some 10 KB. */
  certificateFileBytes: 256 * 1024,
  /** How long the server's own authority lasts: its clients have its pin, and a change costs each of them one. */
  authorityLife: millis(5 * 365 * 86_400_000),
  /** How long a certificate of the server's own lasts; it is renewed, with a new key, when a third of that is left. */
  serverCertificateLife: millis(90 * 86_400_000),
  /** Of a certificate that is in use the log warns when it ends sooner. */
  certificateWarned: millis(7 * 86_400_000),
  /** How much earlier than now a certificate begins, for clocks that are behind. */
  certificateBackdated: millis(60_000),
  /** API keys, ended ones included, all at hand in memory: 400 bytes each. */
  keys: 10_000,
  /** How long a new API key lasts if nobody says. */
  keyLife: millis(90 * 86_400_000),
  /** The longest life of an API key. */
  keyLifeMost: millis(10 * 365 * 86_400_000),
  /** How long a key can still be used that was replaced, if nobody says: until everybody has been given the new one. */
  keyOverlap: millis(86_400_000),
  /** Roles of a configuration: each is a few scopes, and people read their list. */
  roles: 64,
  /** Clients that are known by a certificate, each an entry of a configuration. */
  clientCertificates: 1_000,
  /** The longest credential, which is a token: it comes in a header, of which all together have 16 KiB. */
  credentialBytes: 8 * 1024,
  /** How far the clocks of a token's issuer and of this server may be apart. */
  tokenSkew: millis(60_000),
  /** A set of public keys is fetched again after this, so that a key that its issuer has withdrawn is soon none. */
  keySetRefresh: millis(600_000),
  /** A set of public keys is fetched no more often than this, whatever keys tokens name. */
  keySetRefreshLeast: millis(30_000),
  /** How long the set that was fetched last counts while its issuer does not answer. */
  keySetKept: millis(3_600_000),
  /** How long an issuer may take to answer with its set of keys. */
  keySetWait: millis(5_000),
  /** A set of public keys that is longer is refused: those of large issuers have some 10 KB. */
  keySetBytes: 256 * 1024,
  /** Public keys in one set; an issuer has a few at a time. */
  keySetKeys: 64,
  /** The last use of a key is written no more often than this. */
  keyUseNoted: millis(60_000),
  /** How often a server asks a store that it shares whether keys have changed: a wake that was lost costs no more than this. */
  keyPoll: millis(2_000),
  /**
   * How long keys count that a shared store has not confirmed, from when it was asked: a key that was revoked elsewhere counts no
   * longer than that on a server that cannot reach the store. It then refuses everybody, rather than let a revoked key in.
   */
  keysTrusted: millis(5_000),
  /** How long a token for the events of one Task lasts: time to open them, and little for whoever finds it in a proxy's log. */
  watchTokenLife: millis(60_000),
  /** A longer token is none of ours, and is not looked at. */
  watchTokenChars: 4_096,
  /** How often keys are removed that ended long ago. */
  keysRemovedEvery: millis(60 * 60_000),
  /** Keys that are removed at once. */
  keysRemoved: 500,
  /** How often they are removed in a row; what is left comes next time. */
  keysRemovedBatches: 20,
  /** How long a key is listed that was revoked or has expired, if nobody says: as long as somebody may ask what it was. */
  keyRetention: millis(90 * 86_400_000),
  /** How long a worker may take an assignment: beyond that it was held back on its way, and another may have the Step. */
  assignmentLife: millis(60_000),
  /** How far ahead of the server's time, as a worker has learnt it, an assignment may be dated: a welcome may be slow, too. */
  assignmentAhead: millis(60_000),
  /** Refusals of one caller and action in this time are one entry of the audit log: a flood of them costs one row a minute. */
  auditRefusalsEvery: millis(60_000),
  /** Entries of refusals a minute that tell callers apart; what exceeds them is counted by action alone. */
  auditRefusals: 200,
  /** The longest time between an entry of the audit log and the checkpoint that signs it. */
  auditCheckpointEvery: millis(60_000),
  /** After so many entries a checkpoint is written at once. */
  auditCheckpointEntries: 1_000,
  /** The longest line of a file of checkpoints: it names up to `auditChains` ends of chains, of 150 bytes each. */
  auditCheckpointBytes: 256 * 1024,
  /**
   * Ends of other chains in one checkpoint that is sent to syslog, so that it has less than the 2 KiB that every collector takes
   * (RFC 5424, 6.1): of more chains there are more messages.
   */
  auditSyslogChains: 8,
  /** Checkpoints that wait for a collector of syslog, of 2 KiB each: those of two minutes of `auditChains` chains. */
  auditSyslogWaiting: 256,
  /** How long a connection to a collector may take. */
  auditSyslogConnect: millis(10_000),
  /** How soon a collector is tried again that is away; each time twice as long, up to the next bound. */
  auditSyslogRetryLeast: millis(1_000),
  /** The longest time between two attempts: a checkpoint is written once a minute. */
  auditSyslogRetryMost: millis(60_000),
  /** How long a server that stops waits for its last checkpoint to reach a collector. */
  auditSyslogClose: millis(2_000),
  /** The log says this often that checkpoints are lost. */
  auditSyslogWarned: millis(60_000),
  /** Chains of the audit log, one for each start of a node, that checkpoints and retention look at. */
  auditChains: 1_000,
  /** Entries of the audit log that are read or removed at a time: 400 bytes each. */
  auditPage: 500,
  /** How often old entries of the audit log are looked for, at most. */
  auditSweepEvery: millis(3_600_000),
  /** How long entries of the audit log are kept if nobody says. */
  auditRetention: millis(365 * 86_400_000),
  /** Entries of a chain that are kept, some 400 MB: a year of three a minute, or the refusals of an attack of days. */
  auditEntries: 1_000_000,
  /** The newest checkpoints of a file that `audit verify` compares a log with: a year of one in five minutes. */
  auditCheckpointsRead: 100_000,
} as const;
