/** What tests rest on: an expectation that is not met turns them red. */
import { expect, test } from "vitest";

const fails = (check: () => void) => expect(check).toThrow();

test("a regular expression among what is expected stands for the texts that it matches", () => {
  expect({ message: "no such task" }).toMatchObject({ message: /^no such/ });
  expect([new Error("no such task")]).toMatchObject([{ message: /task$/ }]);
  expect({ message: "no such task" }).toEqual({ message: /^no such/ });
  expect({ pattern: /a/ }).toEqual({ pattern: /a/ });

  fails(() => expect({ message: "no such task" }).toMatchObject({ message: /^a task/ }));
  fails(() => expect([new Error("no such task")]).toMatchObject([{ message: /^task/ }]));
  fails(() => expect({ message: new Error("task") }).toMatchObject({ message: /task/ }));
  fails(() => expect({ pattern: /a/ }).toEqual({ pattern: /b/ }));
});
