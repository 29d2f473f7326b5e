import { expect, test } from "vitest";
import { Commits } from "#stores/postgres/commits";
import { Availability } from "#stores/postgres/connect/availability";
import { type CallContext, Calls } from "#stores/postgres/connect/calls";
import type { Connection } from "#stores/postgres/connect/connection";
import { ConnectionLost } from "#stores/postgres/connect/failure";
import { Pool } from "#stores/postgres/connect/pool";
import { commit, task, taskId } from "#testing/rows";

const shown = "postgres://host/db";

function serverError(code: string): Error {
  return Object.assign(new Error(`error ${code}`), { code, severity: "ERROR" });
}

/** Calls and commits over sessions that answer as they are told, one answer for each statement. */
function scripted(answers: (Error | "well")[]) {
  const probes = { count: 0 };
  const failed: Error[] = [];
  const availability = new Availability(shown, async () => {
    probes.count += 1;
  });
  const sent: string[] = [];
  const open = async () => {
    const connection = {
      lost: undefined as Error | undefined,
      actFor: () => undefined,
      async query({ text }: { readonly text: string }) {
        sent.push(text);
        const answer = answers.shift() ?? "well";
        if (answer === "well") return [[null]];
        if (answer instanceof ConnectionLost) connection.lost = answer;
        throw answer;
      },
      close: async () => {},
      destroy: () => {},
    };
    return connection as unknown as Connection;
  };
  const context: CallContext = { availability, shown, failed: (error) => failed.push(error) };
  const pool = new Pool(open, "test", 1);
  const turn = commit({ tasks: [task(taskId(1))] });
  const outcome = async (work: () => Promise<unknown>) =>
    work().then(
      () => "well",
      (error: unknown) => {
        const { code, reason, name } = error as { code?: string; reason?: string; name: string };
        return reason ?? code ?? name;
      },
    );
  return {
    probes,
    sent,
    read: () => outcome(() => new Calls(pool, context).query({ text: "SELECT 1" })),
    commit: () => outcome(() => new Commits(pool, context, () => null).commit(turn)),
  };
}

test.each([
  ["40001", "serialization_failure", "well", 2],
  ["40P01", "deadlock_detected", "well", 2],
  ["55P03", "lock_not_available", "well", 2],
  ["57P01", "admin_shutdown", "well", 2],
  ["57P02", "crash_shutdown", "well", 2],
  ["57P03", "cannot_connect_now", "well", 2],
  ["25006", "read_only_sql_transaction", "well", 2],
  ["53300", "too_many_connections", "well", 2],
  ["08006", "connection_failure", "well", 2],
  ["57014", "query_canceled", "STORE_SLOW", 1],
  ["53100", "disk_full", "DISK_FULL", 1],
  ["53200", "out_of_memory", "STORE_BUSY", 1],
  ["22021", "character_not_in_repertoire", "InvariantViolation", 1],
  ["23514", "check_violation", "InvariantViolation", 1],
  ["42P01", "undefined_table", "STORE_FAILED", 1],
  ["XX001", "data_corrupted", "STORE_FAILED", 1],
])("after %s (%s) a read ends with %s, and a commit too", async (code, _, ends, statements) => {
  const reading = scripted([serverError(code)]);
  expect(await reading.read()).toBe(ends);
  expect(reading.sent.length).toBe(statements);
  const committing = scripted([serverError(code)]);
  expect(await committing.commit()).toBe(ends);
  expect(committing.sent.filter((text) => text.includes("commit_2")).length).toBe(statements);
});

test.each(["40001", "40P01", "55P03"])(
  "what meets %s each time is refused after some tries",
  async (code) => {
    const errors = () => Array.from({ length: 50 }, () => serverError(code));
    expect(await scripted(errors()).read()).toBe("STORE_BUSY");
    const committing = scripted(errors());
    expect(await committing.commit()).toBe("STORE_BUSY");
    expect(committing.sent.length).toBe(6);
  },
);

test("a lost connection makes the database be looked for, and the statement be sent again", async () => {
  const reading = scripted([new ConnectionLost("reset", true)]);
  expect(await reading.read()).toBe("well");
  expect(reading.probes.count).toBe(1);
});

test("a commit whose answers are lost each time ends as unknown, not as refused", async () => {
  const committing = scripted(Array.from({ length: 100 }, () => new ConnectionLost("reset", true)));
  expect(await committing.commit()).toBe("Error");
  const unsent = scripted(Array.from({ length: 100 }, () => new ConnectionLost("reset", false)));
  expect(await unsent.commit()).toBe("STORE_UNAVAILABLE");
});
