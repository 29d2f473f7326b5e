/** The ids that a Worker may choose. The same rule on both sides of the wire: a library that is stricter refuses good ids. */
const WORKER_ID = /^[A-Za-z0-9_.:-]{1,256}$/;

/** What a Worker's id must be, as the end of a sentence that says that one is not. */
export const WORKER_ID_FORM = '1 to 256 letters, digits, "-", "_", "." or ":"';

export function isWorkerId(text: string): boolean {
  return WORKER_ID.test(text);
}
