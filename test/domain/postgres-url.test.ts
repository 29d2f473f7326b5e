import { expect, test } from "vitest";
import { parsePostgresUrl, withoutPassword } from "#domain/postgres-url";

test("a URL says hosts, names and parameters, and is shown without its password", () => {
  const url = "postgres://me%40x:p%3Aw@a,b:6000,[::1]:7000/my%20db?schema=s1&sslmode=verify-full&pool=3";
  expect(parsePostgresUrl(url)).toMatchObject({
    hosts: [
      { host: "a", port: 5_432 },
      { host: "b", port: 6_000 },
      { host: "::1", port: 7_000 },
    ],
    user: "me@x",
    password: "p:w",
    database: "my db",
    schema: "s1",
    sslMode: "verify-full",
    pool: 3,
    shown: "postgres://me%40x@a,b:6000,[::1]:7000/my%20db?schema=s1&sslmode=verify-full&pool=3",
  });
});

test("what is left out has the defaults of PostgreSQL's own clients", () => {
  expect(parsePostgresUrl("postgresql://")).toMatchObject({
    hosts: [{ host: "localhost", port: 5_432 }],
    user: undefined,
    password: undefined,
    database: "postgres",
    schema: "taskrun",
    sslMode: "prefer",
  });
  expect(parsePostgresUrl("postgres://u@/?host=/run/pg&port=1").hosts).toEqual([
    { host: "/run/pg", port: 1 },
  ]);
  expect(parsePostgresUrl("postgres://u@%2Frun%2Fpg/d").hosts).toEqual([{ host: "/run/pg", port: 5_432 }]);
});

test.each([
  ["mysql://h/db", "is no URL of a database"],
  ["postgres://h:0/db", "has the port 0"],
  ["postgres://h:99999/db", "has the port 99999"],
  ["postgres://a:b:c/db", 'has the host "a:b:c"'],
  ["postgres://h/db?sslmod=require", 'has the unknown parameter "sslmod"'],
  ["postgres://h/db?sslmode=on", "has sslmode=on; use one of disable"],
  ["postgres://h/db?schema=a-b", "has schema=a-b"],
  ["postgres://h/db?schema=pg_x", "has schema=pg_x"],
  ["postgres://h/db?pool=0", "has pool=0"],
  ["postgres://h/db?target_session_attrs=any", "has target_session_attrs=any"],
  ["postgres://h/%zz", "has a % that begins no escape"],
])("%s is refused: it %s", (url, why) => {
  expect(() => parsePostgresUrl(url)).toThrow(why);
});

test.each([
  ["postgres://u:secret@h/db", "postgres://u@h/db"],
  ["postgres://u@h/db?password=secret", "postgres://u@h/db"],
  ["postgres://u@h/db?password=secret&pool=2", "postgres://u@h/db?pool=2"],
  ["postgres://u@h/db?pool=2&password=secret", "postgres://u@h/db?pool=2"],
  ["postgres://u:se:cret@h", "postgres://u@h"],
])("%s is shown as %s", (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});
