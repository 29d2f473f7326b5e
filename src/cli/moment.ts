/** Advice for error messages about a text that {@link readMoment} does not accept. */
export const MOMENT_ADVICE =
  "write date, time and zone, for example 2030-01-31T09:00Z or 2030-01-31T09:00+01:00, or Unix milliseconds of 12 digits or more";

const iso =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|([+-])(\d\d):?(\d\d))$/;

/**
 * A time in ISO 8601 with its zone, or in Unix milliseconds; undefined for anything else. Refused are texts with several
 * meanings, which differ from machine to machine or from reader to reader: a date alone, a time without a zone, and numbers
 * that may be years or seconds.
 */
export function readMoment(text: string): number | undefined {
  const given = text.trim();
  if (/^\d{12,16}$/.test(given)) return Number(given) <= LATEST ? Number(given) : undefined;

  const [
    found,
    year,
    month,
    day,
    hour,
    minute,
    second = "0",
    fraction = "",
    ,
    sign,
    zoneHours = "0",
    zoneMinutes = "0",
  ] = iso.exec(given) ?? [];
  if (found === undefined) return undefined;
  const [hours, minutes, seconds, offHours, offMinutes] = [hour, minute, second, zoneHours, zoneMinutes].map(
    Number,
  ) as [number, number, number, number, number];
  if (hours > 23 || minutes > 59 || seconds > 59 || offHours > 14 || offMinutes > 59) return undefined;

  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const isDay = new Date(midnight).toISOString().slice(0, 10) === `${year}-${month}-${day}`;
  if (!isDay) return undefined;
  const ms = Math.floor(Number(`0.${fraction}0`) * 1_000);
  const offset = (sign === "-" ? -1 : 1) * (offHours * 60 + offMinutes) * 60_000;
  return midnight + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms - offset;
}

/** The last millisecond of a JavaScript `Date`. */
const LATEST = 8_640_000_000_000_000;
