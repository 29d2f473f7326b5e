/** The output of the demo: the agents' output as it comes, then a table, and what went wrong. */

/** Lines shown of each task. */
const LINES_SHOWN = 8;
const WIDTH = 96;

/** Prints a task's output line by line, with its worker. Chunks may end within a line. */
export class LiveOutput {
  #title;
  #rest = "";
  #shown = 0;
  #left = 0;

  constructor(title) {
    this.#title = title;
  }

  take(content, who) {
    const lines = (this.#rest + content).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line, who);
  }

  /** Starts over: another attempt repeats the output. */
  restart() {
    this.#rest = "";
    this.#shown = 0;
    this.#left = 0;
  }

  end(who) {
    if (this.#rest !== "") this.#line(this.#rest, who);
    this.#rest = "";
    if (this.#left > 0) show(`${this.#title} ${who} │ … and ${this.#left} lines more`);
  }

  #line(line, who) {
    if (line.trim() === "") return;
    this.#shown += 1;
    if (this.#shown > LINES_SHOWN) this.#left += 1;
    else show(`${this.#title} ${who} │ ${inert(line)}`);
  }
}

/** Longer lines are cut: a terminal would wrap them. */
function show(line) {
  const chars = [...line];
  say(chars.length > WIDTH ? `${chars.slice(0, WIDTH - 1).join("")}…` : line);
}

export function say(line) {
  console.log(line);
}

/** Removes control characters, which could control the terminal. */
function inert(line) {
  return line.replace(/\p{Cc}/gu, "�");
}

/** Compares a task's events with its stored state, and returns what is wrong. */
export function broken({ title, task, events, output, expect }) {
  const completed = task.runs.filter(({ status }) => status === "COMPLETED");
  const ends = events.filter(({ type, task: seen }) => type === "task" && seen.finishedAtMs > 0);
  const chunks = output.get(completed[0]?.id) ?? [];
  const problems = [];
  const check = (holds, problem) => holds || problems.push(`${title} (${task.id}): ${problem}`);

  check(task.status === "COMPLETED", `is ${task.status}: ${task.errorMessage}`);
  check(completed.length === 1, `has ${completed.length} completed runs, not 1`);
  check(
    ends.length === 1 && events.at(-1) === ends[0],
    `was seen to end ${ends.length} times, not once and last`,
  );
  check(
    events.every(({ seq }, i) => seq === i + 1),
    "has a gap in its events",
  );
  check(
    chunks.every(({ seq }, i) => seq === i),
    "has a gap in the output of its completed run",
  );
  const lost = task.runs.filter((run) => run !== completed[0]);
  check(
    lost.every(({ reason }) => reason === "WORKER_LOST"),
    `has runs that ended as ${lost.map(({ reason }) => reason).join(", ")}`,
  );
  const text = chunks.map(({ content }) => content).join("");
  for (const [words, times] of expect) {
    const found = text.split(words).length - 1;
    check(found === times, `its output has "${words}" ${found} times, not ${times}`);
  }
  return problems;
}

/** A row for each agent, and one for all. */
export function summary(watched) {
  const agents = [...new Set(watched.map(({ task }) => task.agent))];
  const groups = [
    ...agents.map((agent) => [agent, watched.filter(({ task }) => task.agent === agent)]),
    ["all", watched],
  ];
  const rows = groups.map(([agent, some]) => {
    const runs = some.flatMap(({ task }) => task.runs);
    const times = some.map(({ task }) => task.finishedAtMs - task.createdAtMs).sort((a, b) => a - b);
    return [
      agent,
      some.length,
      some.filter(({ task }) => task.status === "COMPLETED").length,
      runs.length,
      runs.filter(({ reason }) => reason === "WORKER_LOST").length,
      some.reduce((sum, { output }) => sum + [...output.values()].flat().length, 0),
      `${times[Math.floor(times.length / 2)]} ms`,
      `${times.at(-1)} ms`,
    ];
  });
  return table(["agent", "tasks", "completed", "runs", "lost", "chunks", "median", "longest"], rows);
}

/** @param left text columns; the others are numbers, aligned to the right */
export function table(head, rows, left = [0]) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  return [
    line(cells[0]),
    widths.map((width) => "─".repeat(width)).join("  "),
    ...cells.slice(1).map(line),
  ].join("\n");
}
