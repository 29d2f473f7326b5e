import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { preferredDriver } from "#stores/sqlite/driver";
import { migrate, openFile } from "#stores/sqlite/file/file";
import { listStatements } from "#stores/sqlite/read/task-list";
import { boots, loads, reads, walks, writes } from "#stores/sqlite/rows/statements";

const root = mkdtempSync(join(tmpdir(), "taskrun-plans-"));
const path = join(root, "plans.db");
const db = openFile({ path, driver: preferredDriver(), maxBytes: 0, reserveBytes: 0 });
migrate(db, path, "plans");
afterAll(() => {
  db.close();
  rmSync(root, { recursive: true });
});

/** Not about how rows are found: the list of what is wanted, and what SQLite builds to look things up in it. */
const aside =
  /^(SCAN (wanted|json_each|label) VIRTUAL TABLE|(LIST|CORRELATED|COMPOUND) |LEFT-MOST|CREATE BLOOM)/;

/** How SQLite would run a statement. */
function plan(sql: string): string {
  const unbound = (sql.match(/\?(?!\d)/g) ?? []).map(() => null);
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(unbound);
  return steps
    .map((step) => String(step[3]))
    .filter((step) => !aside.test(step))
    .join("; ");
}

const list = (part: Pick<Parameters<typeof listStatements>[0], "namespaces" | "from" | "below">) =>
  listStatements({
    statusStates: ["error 1"],
    states: ["error"],
    agentName: "a",
    labels: [["k", "v"]],
    specTexts: ['"createdBy":"ann"'],
    pageSize: 1,
    scannedRows: 1,
    ...part,
  });

test("every statement finds its rows by an index, and none sorts more than the Steps of the Tasks it was asked for", () => {
  const all = { ...loads, ...boots, ...writes, ...reads, ...walks };
  const plans = Object.entries(all).map(([name, sql]) => [name, plan(sql)] as const);
  const named = (pattern: RegExp) => plans.filter(([, found]) => pattern.test(found)).map(([name]) => name);

  expect(named(/TEMP B-TREE/)).toEqual(["graphSteps", "stepsOf", "deadLetterCounts"]);
  // Lanes, agents, pauses and keys are few, and templates are counted once, at boot; what is counted of ready Steps and dead letters, or
  // looked at of ended Tasks, is bounded; the others walk an index that holds live rows only.
  expect(named(/SCAN/)).toEqual([
    "nextDue",
    "lanes",
    "held",
    "waiting",
    "templateCounts",
    "agents",
    "pauses",
    "apiKeys",
    "countReady",
    "countBefore",
    "heldOfTasks",
    "lastFailed",
    "deadLetterCounts",
  ]);
  expect(Object.fromEntries(plans)).toMatchInlineSnapshot(`
    {
      "addLane": "",
      "addLayout": "",
      "addTemplate": "",
      "agents": "SCAN agents",
      "apiKey": "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?)",
      "apiKeys": "SCAN api_keys USING INDEX sqlite_autoindex_api_keys_1",
      "appendAudit": "",
      "appendLog": "",
      "auditChain": "SEARCH audit USING INDEX sqlite_autoindex_audit_1 (chain>?)",
      "auditEntries": "SEARCH audit USING INDEX sqlite_autoindex_audit_1 ((chain,seq)>(?,?))",
      "auditEntriesOf": "SEARCH audit USING INDEX sqlite_autoindex_audit_1 (chain=? AND seq>?)",
      "auditLatest": "SEARCH audit USING INDEX audit_latest ((at,chain,seq)<(?,?,?))",
      "countBefore": "CO-ROUTINE (subquery-1); SEARCH steps USING COVERING INDEX backlog (lane=? AND (rank,task_id,name)<(?,?,?)); SCAN (subquery-1)",
      "countReady": "CO-ROUTINE (subquery-1); SEARCH s USING COVERING INDEX backlog (lane=?); SCAN (subquery-1)",
      "countUsageSums": "SEARCH usage_sums USING COVERING INDEX sqlite_autoindex_usage_sums_1 (namespace=? AND day=?)",
      "createdLately": "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id>?)",
      "deadLetter": "SEARCH dead_letters USING INDEX sqlite_autoindex_dead_letters_1 (task_id=?)",
      "deadLetterCounts": "CO-ROUTINE (subquery-2); SCAN dead_letters USING INDEX dead_letters_newest; SCAN (subquery-2); USE TEMP B-TREE FOR GROUP BY",
      "deadLetters": "SEARCH dead_letters USING INDEX dead_letters_newest ((created_at,task_id)<(?,?))",
      "deniedWorkers": "SEARCH enrolment USING INDEX enrolment_denied (denied_until>?)",
      "due": "SEARCH deadlines USING COVERING INDEX deadlines_due (at<?)",
      "dueStarts": "SEARCH deadlines USING COVERING INDEX deadlines_due (at<?)",
      "endedEnrolment": "SEARCH enrolment USING INDEX enrolment_ended (ends_at<?)",
      "endedLately": "SEARCH tasks USING INDEX tasks_finished (finished_at>?)",
      "enrolmentRow": "SEARCH enrolment USING INDEX sqlite_autoindex_enrolment_1 (kind=? AND id=?)",
      "enrolmentRows": "SEARCH enrolment USING INDEX sqlite_autoindex_enrolment_1 (kind=? AND id>?)",
      "finished": "SEARCH tasks USING INDEX tasks_finished (finished_at>? AND finished_at<?); SEARCH runs USING INDEX runs_held (task_id=?); SEARCH d USING INDEX sqlite_autoindex_dead_letters_1 (task_id=?)",
      "firstOfLog": "SEARCH log USING INDEX sqlite_autoindex_log_1 (task_id=?)",
      "firstReady": "SEARCH steps USING COVERING INDEX backlog (lane=?)",
      "forgetAgent": "SEARCH agents USING INDEX sqlite_autoindex_agents_1 (namespace=? AND name=?)",
      "graphSteps": "SEARCH s USING INDEX sqlite_autoindex_steps_1 (task_id=?); USE TEMP B-TREE FOR ORDER BY",
      "hasTask": "SEARCH tasks USING COVERING INDEX sqlite_autoindex_tasks_1 (id=?)",
      "head": "SEARCH plane USING INTEGER PRIMARY KEY (rowid=?)",
      "held": "SCAN runs USING INDEX runs_held",
      "heldOfTasks": "SCAN r USING INDEX runs_held; SEARCH t USING INDEX sqlite_autoindex_tasks_1 (id=?)",
      "input": "SEARCH inputs USING INDEX sqlite_autoindex_inputs_1 (task_id=?)",
      "inputs": "SEARCH t USING INDEX sqlite_autoindex_inputs_1 (task_id=?)",
      "insert deadLetters": "",
      "insert runs": "",
      "insert steps": "",
      "insert tasks": "",
      "journal": "SEARCH journal USING INDEX sqlite_autoindex_journal_1 (task_id=? AND step_name>? AND step_name<?)",
      "journalRows": "SEARCH journal USING INDEX sqlite_autoindex_journal_1 (task_id=? AND step_name>? AND step_name<?)",
      "lanes": "SCAN lanes",
      "lastFailed": "CO-ROUTINE (subquery-1); SEARCH tasks USING INDEX tasks_finished (finished_at>?); SCAN (subquery-1)",
      "lastOfAudit": "SEARCH audit USING INDEX sqlite_autoindex_audit_1 (chain=?)",
      "lastOfLog": "SEARCH log USING INDEX sqlite_autoindex_log_1 (task_id=?)",
      "lastRestore": "SEARCH restores USING INTEGER PRIMARY KEY (rowid=?); SCALAR SUBQUERY 1; SEARCH restores",
      "logEntries": "SEARCH log USING INDEX sqlite_autoindex_log_1 (task_id=? AND first_seq>? AND first_seq<?)",
      "logRows": "SEARCH log USING INDEX sqlite_autoindex_log_1 (task_id=? AND first_seq>?); SCALAR SUBQUERY 1; SEARCH log USING COVERING INDEX sqlite_autoindex_log_1 (task_id=? AND first_seq<?)",
      "namesAbove": "SEARCH templates USING INDEX templates_listed (namespace=? AND name>?)",
      "newestTemplates": "SEARCH t USING INDEX templates_listed (namespace=? AND name=? AND version_key=?); SEARCH templates USING COVERING INDEX templates_listed (namespace=? AND name=?)",
      "nextDue": "SCAN deadlines USING COVERING INDEX deadlines_due",
      "nextNamespace": "SEARCH templates USING COVERING INDEX templates_listed (namespace>?)",
      "nextNamespaceOf": "SEARCH templates USING COVERING INDEX templates_named (name=? AND namespace>?)",
      "nextUsageNamespace": "SEARCH usage_sums USING COVERING INDEX sqlite_autoindex_usage_sums_1 (namespace>?)",
      "oldOutputDays": "SEARCH output_days USING COVERING INDEX sqlite_autoindex_output_days_1 (day<?)",
      "openRuns": "SEARCH r USING INDEX runs_of_task (task_id=?)",
      "openSteps": "SEARCH s USING INDEX sqlite_autoindex_steps_1 (task_id=?)",
      "output": "SEARCH outputs USING INDEX sqlite_autoindex_outputs_1 (task_id=? AND step_name=?)",
      "outputDay": "SEARCH output_days USING INDEX sqlite_autoindex_output_days_1 (day=?)",
      "outputs": "SEARCH t USING INDEX sqlite_autoindex_outputs_1 (task_id=? AND step_name=?)",
      "pauses": "SCAN pauses",
      "pendingDeadLetters": "SEARCH dead_letters USING INDEX dead_letters_pending ((rank,task_id)>(?,?))",
      "put inputs": "",
      "put journal": "",
      "put outputs": "",
      "put stepActions": "",
      "put stepInputs": "",
      "putAgent": "",
      "putApiKey": "",
      "putDeadline": "",
      "putEnrolment": "",
      "putOutputDay": "",
      "putPause": "",
      "putUsageSum": "",
      "ready": "SEARCH steps USING INDEX backlog (lane=?)",
      "removeApiKey": "SEARCH api_keys USING INDEX sqlite_autoindex_api_keys_1 (id=?)",
      "removeAudit": "SEARCH audit USING INDEX sqlite_autoindex_audit_1 (chain=? AND seq>? AND seq<?)",
      "removeDeadline": "SEARCH deadlines USING PRIMARY KEY (task_id=? AND step_name=? AND kind=?)",
      "removeEnrolment": "SEARCH enrolment USING INDEX sqlite_autoindex_enrolment_1 (kind=? AND id=?)",
      "removeLane": "SEARCH lanes USING PRIMARY KEY (key=?)",
      "removeOutputDay": "SEARCH output_days USING INDEX sqlite_autoindex_output_days_1 (day=?)",
      "removePause": "SEARCH pauses USING INDEX sqlite_autoindex_pauses_1 (key=?)",
      "removeTask": "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id=?); SEARCH journal USING COVERING INDEX sqlite_autoindex_journal_1 (task_id=?); SEARCH step_actions USING COVERING INDEX sqlite_autoindex_step_actions_1 (task_id=?); SEARCH dead_letters USING COVERING INDEX sqlite_autoindex_dead_letters_1 (task_id=?); SEARCH runs USING COVERING INDEX runs_of_task (task_id=?); SEARCH steps USING COVERING INDEX sqlite_autoindex_steps_1 (task_id=?); SEARCH step_inputs USING COVERING INDEX sqlite_autoindex_step_inputs_1 (task_id=?); SEARCH deadlines USING PRIMARY KEY (task_id=?); SEARCH log USING COVERING INDEX sqlite_autoindex_log_1 (task_id=?); SEARCH outputs USING COVERING INDEX sqlite_autoindex_outputs_1 (task_id=?); SEARCH inputs USING COVERING INDEX sqlite_autoindex_inputs_1 (task_id=?)",
      "removeUsageSums": "SEARCH usage_sums USING INDEX sqlite_autoindex_usage_sums_1 (namespace=? AND day<?)",
      "result": "SEARCH outputs USING INDEX sqlite_autoindex_outputs_1 (task_id=? AND step_name=?)",
      "revision deadLetters": "SEARCH dead_letters USING INDEX sqlite_autoindex_dead_letters_1 (task_id=?)",
      "revision runs": "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)",
      "revision steps": "SEARCH steps USING INDEX sqlite_autoindex_steps_1 (task_id=? AND name=?)",
      "revision tasks": "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id=?)",
      "run": "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)",
      "runs": "SEARCH t USING INDEX sqlite_autoindex_runs_1 (id=?)",
      "runsOf": "SEARCH runs USING INDEX runs_of_task (task_id=?)",
      "setHead": "SEARCH plane USING INTEGER PRIMARY KEY (rowid=?)",
      "stepActions": "SEARCH step_actions USING INDEX sqlite_autoindex_step_actions_1 (task_id=? AND step_name=?)",
      "stepInput": "SEARCH step_inputs USING INDEX sqlite_autoindex_step_inputs_1 (task_id=? AND step_name=?)",
      "stepInputs": "SEARCH t USING INDEX sqlite_autoindex_step_inputs_1 (task_id=? AND step_name=?)",
      "steps": "SEARCH t USING INDEX sqlite_autoindex_steps_1 (task_id=? AND name=?)",
      "stepsOf": "SEARCH steps USING INDEX sqlite_autoindex_steps_1 (task_id=?); USE TEMP B-TREE FOR ORDER BY",
      "stepsOfRuns": "SEARCH r USING INDEX sqlite_autoindex_runs_1 (id=?); SEARCH s USING INDEX sqlite_autoindex_steps_1 (task_id=? AND name=?)",
      "storedTasks": "SEARCH t USING INDEX sqlite_autoindex_tasks_1 (id>?); SEARCH steps USING COVERING INDEX sqlite_autoindex_steps_1 (task_id=?); SEARCH runs USING COVERING INDEX runs_of_task (task_id=?); SEARCH inputs USING INDEX sqlite_autoindex_inputs_1 (task_id=?); SEARCH step_inputs USING INDEX sqlite_autoindex_step_inputs_1 (task_id=?); SEARCH outputs USING INDEX sqlite_autoindex_outputs_1 (task_id=?); SEARCH log USING INDEX sqlite_autoindex_log_1 (task_id=?)",
      "task": "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id=?)",
      "taskWithin": "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id=?)",
      "tasks": "SEARCH t USING INDEX sqlite_autoindex_tasks_1 (id=?); UNION ALL; SEARCH r USING INDEX sqlite_autoindex_runs_1 (id=?)",
      "tasksByKey": "SEARCH t USING INDEX tasks_by_key (namespace=? AND idempotency_key=?)",
      "templateCounts": "SCAN templates USING COVERING INDEX templates_listed",
      "templates": "SEARCH t USING INDEX sqlite_autoindex_templates_1 (namespace=? AND name=? AND version=?)",
      "update deadLetters": "SEARCH dead_letters USING INDEX sqlite_autoindex_dead_letters_1 (task_id=?)",
      "update runs": "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)",
      "update steps": "SEARCH steps USING INDEX sqlite_autoindex_steps_1 (task_id=? AND name=?)",
      "update tasks": "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id=?)",
      "usageSum": "SEARCH usage_sums USING INDEX sqlite_autoindex_usage_sums_1 (namespace=? AND day=? AND agent_name=? AND model=?)",
      "usageSums": "SEARCH usage_sums USING INDEX sqlite_autoindex_usage_sums_1 (namespace=? AND day>? AND day<?)",
      "versionsBelow": "SEARCH templates USING INDEX templates_listed (namespace=? AND name=? AND version_key<?)",
      "waiting": "SCAN tasks USING INDEX tasks_waiting",
    }
  `);
});

test("a list walks the ids downward, within the namespace if there is one", () => {
  const lists = {
    all: list({ namespaces: null, from: null, below: null }),
    several: list({ namespaces: ["a", "b"], from: null, below: "x" }),
    one: list({ namespaces: ["a"], from: null, below: "x" }),
    between: list({ namespaces: ["a"], from: "w", below: "x" }),
  };
  const plans = Object.entries(lists).map(([name, { page, last }]) => [
    name,
    [plan(page.sql), plan(last.sql)],
  ]);

  expect(Object.fromEntries(plans)).toMatchInlineSnapshot(`
    {
      "all": [
        "CO-ROUTINE (subquery-1); SCAN tasks USING INDEX sqlite_autoindex_tasks_1; SCAN (subquery-1)",
        "SCAN tasks USING INDEX sqlite_autoindex_tasks_1",
      ],
      "between": [
        "CO-ROUTINE (subquery-1); SEARCH tasks USING INDEX tasks_listed (namespace=? AND id>? AND id<?); SCAN (subquery-1)",
        "SEARCH tasks USING INDEX tasks_listed (namespace=? AND id>? AND id<?)",
      ],
      "one": [
        "CO-ROUTINE (subquery-1); SEARCH tasks USING INDEX tasks_listed (namespace=? AND id<?); SCAN (subquery-1)",
        "SEARCH tasks USING INDEX tasks_listed (namespace=? AND id<?)",
      ],
      "several": [
        "CO-ROUTINE (subquery-1); SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id<?); SCAN (subquery-1)",
        "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (id<?)",
      ],
    }
  `);
});
