import { expect, test } from "vitest";
import { run } from "#api/use-case";
import { getWorker } from "#api/workers/get-worker";
import { listWorkers } from "#api/workers/list-workers";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import type { WorkerView } from "#domain/worker/worker";
import { FakePlane, workerView } from "../gateway/kit/fake-plane.js";
import { requestOf, servicesFor } from "./services.js";

function lister() {
  const plane = new FakePlane();
  const serving = (id: string, ...namespaces: string[]): WorkerView => {
    const view = workerView(id);
    return { ...view, info: { ...view.info, namespaces } };
  };
  plane.workers = async () => [serving("w1", "billing", "shop"), serving("w2", "shop"), serving("w3")];
  const services = servicesFor(plane);
  return {
    list: (namespace = "", caller: Caller = LOCAL_CALLER) =>
      run(listWorkers, { namespace, agentName: undefined, status: undefined }, requestOf(services, caller)),
    get: (workerId: string, caller: Caller) => run(getWorker, { workerId }, requestOf(services, caller)),
  };
}

const idsOf = (workers: readonly WorkerView[]) => workers.map(({ info }) => info.workerId);
const shopkeeper: Caller = { ...LOCAL_CALLER, namespaces: ["shop"] };

test("workers of a namespace are those that name it, and those that name none", async () => {
  const { list } = lister();
  expect(idsOf(await list())).toEqual(["w1", "w2", "w3"]);
  expect(idsOf(await list("billing"))).toEqual(["w1", "w3"]);
  expect(idsOf(await list("shop"))).toEqual(["w1", "w2", "w3"]);
  expect(idsOf(await list("elsewhere"))).toEqual(["w3"]);
});

test("a caller learns no namespace from a worker that it may not use, and lists none of it", async () => {
  const { list, get } = lister();
  expect((await list("", shopkeeper)).map(({ info }) => info.namespaces)).toEqual([["shop"], ["shop"], []]);
  expect((await get("w1", shopkeeper)).info.namespaces).toEqual(["shop"]);
  expect(await list("billing", shopkeeper)).toEqual([]);
  const other: Caller = { ...LOCAL_CALLER, namespaces: ["other"] };
  // The plane shows it because it is the caller's own.
  expect((await get("w2", other)).info.namespaces).toEqual(["shop"]);
});
