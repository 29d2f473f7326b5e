/** A page, its own web server, and a TaskRun server on another port that lets the page call. Prints where to look. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { startTaskRun } from "taskrun";
import { count } from "./agents.mjs";

/** Where the page's files are, by how their path begins; the first that fits. */
const folders = {
  "/packages/taskrun/dist/": new URL("../../dist/", import.meta.url),
  "/packages/": new URL("../../node_modules/", import.meta.url),
  "/": new URL("./", import.meta.url),
};
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript" };

const pages = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  const path = pathname === "/" ? "/index.html" : pathname;
  const [start, folder] = Object.entries(folders).find(([begins]) => path.startsWith(begins));
  const type = types[extname(path)];
  const content =
    type && (await readFile(new URL(`./${path.slice(start.length)}`, folder)).catch(() => undefined));
  response.writeHead(content ? 200 : 404, { "content-type": content ? type : "text/plain" });
  response.end(content ?? "There is no such file.\n");
}).listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
await once(pages, "listening");
const page = `http://127.0.0.1:${pages.address().port}`;

const taskrun = await startTaskRun({ store: "memory", agents: [count] });
const { http } = await taskrun.listen({ http: "127.0.0.1:0", allowedOrigins: [page] });
console.log(`${page}/?server=http://${http[0]}`);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    pages.close();
    pages.closeAllConnections();
    await taskrun.stop();
  });
}
