const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (count: number) => String(Math.floor(count)).padStart(2, "0");

/** A length of time: `0.4 s`, `42 s`, `2m 05s`, `3h 04m`, `5d 3h`. */
export function spanText(ms: number): string {
  const span = Math.max(ms, 0);
  if (span < 10 * SECOND) return `${(span / SECOND).toFixed(1)} s`;
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)}m ${two((span % MINUTE) / SECOND)}s`;
  if (span < DAY) return `${Math.floor(span / HOUR)}h ${two((span % HOUR) / MINUTE)}m`;
  return `${Math.floor(span / DAY)}d ${Math.floor((span % DAY) / HOUR)}h`;
}

/** The time of day of an instant, as the clock on the wall here shows it: `14:05:09`. */
export function clockText(at: number, withMs = false): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMs ? `${time}.${String(date.getMilliseconds()).padStart(3, "0")}` : time;
}

/** An instant in the future or past: with its date if that is not today's. */
export function instantText(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  if (Number.isNaN(date.getTime())) return String(at);
  if (date.toDateString() === today.toDateString()) return clockText(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockText(at)}`;
}

/** `in 42 s`, or `1.2 s ago`. */
export function distanceText(at: number, now: number): string {
  return at >= now ? `in ${spanText(at - now)}` : `${spanText(now - at)} ago`;
}
