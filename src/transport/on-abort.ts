/** What waits for one signal: it has one listener of ours, however many calls it is to abort. */
interface Waiting {
  readonly callbacks: Set<() => void>;
  readonly fire: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls back once when the signal aborts; at once if it has. Returns a function that forgets the callback: call it when
 * the work is done, so that a signal that lives on retains nothing of it.
 *
 * A program may well pass one signal to a hundred calls. Were each to add listeners of its own, Node would warn of a leak
 * from the eleventh on; to raise the number of a signal that is not ours would hide leaks of the program itself.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const { callbacks, fire } = waiting.get(signal) ?? listenTo(signal);
  const once = () => callback();
  callbacks.add(once);
  return () => {
    callbacks.delete(once);
    if (callbacks.size > 0 || waiting.get(signal)?.callbacks !== callbacks) return;
    waiting.delete(signal);
    signal.removeEventListener("abort", fire);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const callbacks = new Set<() => void>();
  const fire = () => {
    waiting.delete(signal);
    for (const call of callbacks) call(); // without those that are forgotten meanwhile
  };
  const made = { callbacks, fire };
  waiting.set(signal, made);
  signal.addEventListener("abort", fire, { once: true });
  return made;
}
