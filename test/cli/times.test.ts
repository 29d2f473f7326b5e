import { expect, test } from "vitest";
import { readMoment } from "#cli/moment";
import { taskrun } from "./fake-io.js";

test.each([
  ["2030-01-31T09:00Z", "2030-01-31T09:00:00.000Z"],
  ["2030-01-31T09:00:30.5Z", "2030-01-31T09:00:30.500Z"],
  ["2030-01-31T09:00:30.123456789+01:00", "2030-01-31T08:00:30.123Z"],
  ["2030-01-31 09:00-0530", "2030-01-31T14:30:00.000Z"],
  ["2024-02-29t23:59:59z", "2024-02-29T23:59:59.000Z"],
  ["1900000000000", "2030-03-17T17:46:40.000Z"],
  ["190000000000", "1976-01-09T01:46:40.000Z"],
])("a time with one meaning is read: %s", (text, iso) => {
  expect(new Date(readMoment(text) ?? Number.NaN).toISOString()).toBe(iso);
});

test.each([
  "1",
  "0",
  "2030",
  "20300131",
  "1900000000",
  "-1900000000000",
  "1.9e12",
  "99999999999999999",
  "2030-01-31",
  "2030-01-31T09:00",
  "2030-01-31T09:00:00",
  "2030-02-30T09:00Z",
  "2030-13-01T09:00Z",
  "2030-01-31T24:00Z",
  "2030-01-31T09:60Z",
  "2030-01-31T09:00+25:00",
  "2030-01-31T09Z",
  "01/02/2030 09:00Z",
  "Jan 31 2030 09:00 UTC",
  "tomorrow",
  "+10m",
  "",
])("a time with several meanings, or none, is refused with the forms that are not: %j", async (text) => {
  const { code, stderr } = await taskrun([
    "task",
    "create",
    "--agent",
    "a",
    "--start-at",
    text,
    "--addr",
    "localhost:1",
  ]);

  expect(code).toBe(2);
  expect(stderr).toContain(
    `"${text}" is not a time; write date, time and zone, for example 2030-01-31T09:00Z`,
  );
  expect(stderr).toContain("Unix milliseconds of 12 digits or more");
});

test.each([
  ["5", "is not a duration; write a number and ms, s, m, h or d"],
  ["5 minutes", "is not a duration"],
  ["1e3s", "is not a duration"],
  ["-5s", "is not a duration"],
  ["0s", "is less than 1 ms"],
  ["0.2ms", "is less than 1 ms"],
  ["36501d", "is more than 36500d"],
  ["99999999999999999999d", "is more than 36500d"],
])("a timeout that says nothing certain is refused: %s", async (text, message) => {
  const { code, stderr } = await taskrun([
    "task",
    "create",
    "--agent",
    "a",
    `--timeout=${text}`,
    "--addr",
    "localhost:1",
  ]);

  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
