/** Tasks by what every browser has: `fetch` and `EventSource`. */

async function call(server, method, request) {
  const response = await fetch(`${server}/taskrun.v1.TaskService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

export async function createTask(server, request) {
  return (await call(server, "CreateTask", request)).id;
}

export async function cancelTask(server, id) {
  await call(server, "CancelTask", { id });
}

/** Yields output and status until the Task has ended. A lost connection is made again, after the last event seen. */
export async function* watchTask(server, id) {
  const events = new EventSource(`${server}/v1/tasks/${id}/events`);
  const waiting = [];
  let wake = () => {};
  const push = (event) => {
    waiting.push(event);
    wake();
  };
  events.addEventListener("output", ({ data }) => push({ output: JSON.parse(data).output.content }));
  events.addEventListener("taskChanged", ({ data }) => push({ status: JSON.parse(data).taskChanged.status }));
  events.addEventListener("end", () => push(undefined));
  events.addEventListener("error", () => {
    // Not for good: the browser is connecting again.
    if (events.readyState === EventSource.CLOSED)
      push(new Error(`The events of Task ${id} are not to be had.`));
  });
  try {
    for (;;) {
      while (waiting.length === 0) await new Promise((resolve) => (wake = resolve));
      const event = waiting.shift();
      if (event === undefined) return;
      if (event instanceof Error) throw event;
      yield event;
    }
  } finally {
    events.close();
  }
}
