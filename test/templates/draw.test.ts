import { expect, test } from "vitest";
import { stepStates } from "#domain/task/step";
import { stepTypes } from "#domain/template/template";
import { type DrawnStep, drawTask, drawTemplate, workflow } from "#templates/index";

const shop = workflow("shop", { namespace: "orders", version: "2.1.0" }, (w) => {
  const refund = w.compensation("refund", { agent: "bank" });
  const charge = w.step("charge", { agent: "card", compensate: refund });
  const cut = w.batch("cut", {
    agent: "cut",
    after: [charge],
    worker: { name: "part", agent: "work" },
    parallelism: 4,
  });
  const route = w.decision("route", { agent: "route", after: [charge] });
  const pause = w.timer("pause", { after: [route], delayMs: 90_000 });
  const approve = w.signal("approve", { after: [route], timeoutMs: 3_600_000 });
  const mails = w.map("mails", { over: "input/people", agent: "mail", after: [route] });
  const audit = w.child("audit", { template: { name: "audits" }, after: [route] });
  return w.converge("end", { agent: "join", after: [pause, approve, mails, audit, cut.workers] });
});

test("a template is drawn with what is particular to each type of step", () => {
  expect(drawTemplate(shop.body)).toMatchInlineSnapshot(`
    "flowchart TD
      %% orders/shop@2.1.0
      s0@{ shape: stadium, label: "refund<br/>bank" }
      class s0 compensation
      s1@{ shape: rect, label: "charge<br/>card" }
      s2@{ shape: docs, label: "cut<br/>4 batches at a time" }
      s3@{ shape: procs, label: "part<br/>work<br/>one for each batch" }
      s4@{ shape: diamond, label: "route" }
      s5@{ shape: delay, label: "pause<br/>waits 1 min 30 s" }
      s6@{ shape: lean-r, label: "approve<br/>waits for approve, at most 1 h" }
      s7@{ shape: procs, label: "mails<br/>mail<br/>each of input/people, 10 at a time" }
      s8@{ shape: subproc, label: "audit<br/>Task of audits" }
      s9@{ shape: hex, label: "end<br/>join" }
      s1 -. compensated by .-> s0
      s1 --> s2
      s2 ==> s3
      s1 --> s4
      s4 --> s5
      s4 --> s6
      s4 --> s7
      s4 --> s8
      s5 --> s9
      s6 --> s9
      s7 --> s9
      s8 --> s9
      s3 --> s9
      classDef compensation stroke-dasharray: 4 3
    "
  `);
});

const step = (name: string, rest: Partial<DrawnStep> = {}): DrawnStep => ({
  name,
  type: "standard",
  state: "complete",
  dependsOn: [],
  startedAtMs: 0,
  finishedAtMs: 0,
  attempts: 1,
  errorMessage: "",
  ...rest,
});

test("a live task is drawn with the state of each step, its time and its tries", () => {
  const steps = [
    step("fetch", { startedAtMs: 1_000, finishedAtMs: 1_350 }),
    step("charge", {
      dependsOn: ["fetch"],
      startedAtMs: 2_000,
      finishedAtMs: 187_000,
      attempts: 3,
      state: "error",
      errorMessage: "card declined",
    }),
    step("ship", { dependsOn: ["charge", "gone"], state: "in_progress", startedAtMs: 1_800_000_000_000 }),
    step("route", { type: "decision", state: "pending", attempts: 0 }),
  ];

  expect(drawTask({ id: "t1", status: "RUNNING", steps })).toMatchInlineSnapshot(`
    "flowchart TD
      %% t1 RUNNING
      s0@{ shape: rect, label: "fetch<br/>complete · 350 ms" }
      class s0 complete
      s1@{ shape: rect, label: "charge<br/>error · 3 min 5 s · 3 tries<br/>card declined" }
      class s1 error
      s2@{ shape: rect, label: "ship<br/>in progress · since 2027-01-15T08:00:00.000Z" }
      class s2 in_progress
      s3@{ shape: diamond, label: "route<br/>pending" }
      class s3 pending
      s0 --> s1
      s1 --> s2
      classDef complete fill:#dcfce7,stroke:#16a34a,color:#14532d
      classDef error fill:#fee2e2,stroke:#dc2626,color:#7f1d1d,stroke-width:3px
      classDef in_progress fill:#bfdbfe,stroke:#1d4ed8,color:#1e3a8a,stroke-width:3px
      classDef pending fill:#f4f4f5,stroke:#a1a1aa,color:#3f3f46
    "
  `);
});

test("every state has a colour, and every type a shape", () => {
  const steps = stepStates.map((state, i) =>
    step(`s${i}`, { state, type: stepTypes[i % stepTypes.length] ?? "" }),
  );
  const drawn = drawTask({ id: "t", status: "RUNNING", steps });

  for (const state of stepStates) expect(drawn).toMatch(new RegExp(`classDef ${state} fill:#`));
});

test("a state or type of another version is drawn plainly", () => {
  const drawn = drawTask({ id: "t", status: "NEW", steps: [step("a", { state: "asleep", type: "oracle" })] });

  expect(drawn).toContain('s0@{ shape: rect, label: "a<br/>asleep" }');
  expect(drawn).not.toContain("class");
});

test.each([
  ['say "hi"', "say #34;hi#34;"],
  ["<script>alert(1)</script>", "#60;script#62;alert(1)#60;/script#62;"],
  ["`**bold**`", "#96;**bold**#96;"],
  ["a\n  end\n", "a   end "],
  ["50% #1; x & y", "50#37; #35;1#59; x #38; y"],
  ["}%%{init: {}}%%", "#125;#37;#37;#123;init: #123;#125;#125;#37;#37;"],
])("whatever is in a name or message, %j stays in its label", (message, label) => {
  const drawn = drawTask({ id: message, status: "FAILED", steps: [step("a", { errorMessage: message })] });

  expect(drawn).toContain(`"a<br/>complete<br/>${label}"`);
  expect(drawn.split("\n")).toHaveLength(6);
});

test("a long message is cut between characters", () => {
  const drawn = drawTask({
    id: "t",
    status: "FAILED",
    steps: [step("a", { errorMessage: "é".repeat(500) })],
  });

  expect(drawn).toContain(`<br/>${"é".repeat(40)}…"`);
});
