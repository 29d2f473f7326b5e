/** Identities as SPIFFE writes them: the one URI of a certificate. */

/** The domain in which this plane's authority vouches for identities. */
export const TRUST_DOMAIN = "taskrun";

/** What the certificate of a worker says of it. */
export interface WorkerName {
  readonly namespace: string;
  readonly name: string;
}

/** A segment of such a URI (SPIFFE-ID, 2.2), and not one that paths give another meaning. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/;
const WORKER = /^spiffe:\/\/taskrun\/t\/([A-Za-z0-9._-]{1,128})\/w\/([A-Za-z0-9._-]{1,128})$/;

/** What a name in an identity must be, as the end of a sentence that says that one is not. */
export const SEGMENT_FORM = '1 to 64 letters, digits, "-", "_" or ".", and not "." or ".." alone';

export function isSegment(text: string): boolean {
  return SEGMENT.test(text);
}

/** The identity of a worker, which is its principal too. */
export function workerUri({ namespace, name }: WorkerName): string {
  return `spiffe://${TRUST_DOMAIN}/t/${namespace}/w/${name}`;
}

const CLIENT = /^spiffe:\/\/taskrun\/client\/([A-Za-z0-9._-]{1,128})$/;

/** The identity of a client that is no worker, which is its principal too. */
export function clientUri(name: string): string {
  return `spiffe://${TRUST_DOMAIN}/client/${name}`;
}

/** The client of an identity; undefined if it is no client's. */
export function readClientUri(uri: string): string | undefined {
  const [, name = ""] = CLIENT.exec(uri) ?? [];
  return isSegment(name) ? name : undefined;
}

/** The worker of an identity; undefined if it is no worker's. */
export function readWorkerUri(uri: string): WorkerName | undefined {
  const [, namespace = "", name = ""] = WORKER.exec(uri) ?? [];
  return isSegment(namespace) && isSegment(name) ? { namespace, name } : undefined;
}
