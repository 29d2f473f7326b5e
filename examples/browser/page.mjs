/** Starts Tasks, shows what they write as they write it, and cancels them. */
import * as connect from "./connect.mjs";
import * as plain from "./plain.mjs";

const ways = { plain, connect };
const server = new URLSearchParams(location.search).get("server") ?? "http://localhost:8080";
const form = document.querySelector("form");
const list = document.querySelector("ol");
const alert = document.querySelector("[role=alert]");

/** Shows why something did not work. */
const complain = (error) => {
  alert.textContent = error.message;
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { to, way } = Object.fromEntries(new FormData(form));
  start(ways[way], Number(to)).catch(complain);
});

async function start({ createTask, cancelTask, watchTask }, to) {
  const id = await createTask(server, { agentName: "count", inputJson: JSON.stringify({ to }) });
  const item = document.createElement("li");
  const status = document.createElement("b");
  const output = document.createElement("pre");
  const cancel = document.createElement("button");
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => cancelTask(server, id).catch(complain));
  item.append(status, " ", cancel, output);
  list.prepend(item);

  for await (const event of watchTask(server, id)) {
    if (event.output) output.textContent += event.output;
    if (event.status) status.textContent = event.status;
  }
  cancel.disabled = true;
}
