import { afterEach, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { as, openWorld, SlotWorkerDouble, spec, type World } from "./kit.js";

let world: World;

afterEach(() => world.stop());

const worker = { namespace: "default", name: "w-invited" };

/** A world in which whoever sends no `x-who` has shown the certificate of a worker that was invited so. */
const invited = (
  record: { namespaces: readonly string[] | "*"; agents: readonly string[] },
  { audit, ...more }: { admit?: () => Promise<never>; audit?: object } = {},
) =>
  openWorld({
    ...(audit && { audit: audit as never }),
    identify: ({ header }) => {
      const who = header("x-who");
      const roles = ["admin"];
      if (who !== undefined) return { principal: `key:${who}`, namespaces: [who], roles };
      const certificate = { worker, serial: "1", notAfter: 9e15 as never };
      return { principal: "worker:default/w-invited", namespaces: [], roles: ["worker"], certificate };
    },
    enrolment: {
      admit: async () => ({ worker, labels: { zone: "a" }, certificates: [], ...record }),
      ...more,
      store: { get: async () => undefined },
      streams: { watch: () => () => undefined },
    } as never,
  });

const agentsOf = async (who: string) => {
  const { workers } = await world.clients.workers.listWorkers({}, as(who));
  return workers.map(({ agents, labels }) => [agents.map(({ name }) => name).join(), labels]);
};

test("an invited worker runs the agents of its invitation, in its namespaces, and has its labels", async () => {
  world = await invited({ namespaces: ["mine"], agents: ["resize", "crop"] });
  const { gateway } = world.clients;
  const { taskId } = await gateway.submitTask(spec({ name: "resize" }), as("mine"));
  await gateway.submitTask(spec({ name: "secret" }), as("mine"));
  await gateway.submitTask(spec({ name: "crop" }), as("theirs"));
  const double = new SlotWorkerDouble(world, worker.name);
  await double.beat(5);

  expect(double.failure).toBeUndefined();
  expect(double.tasks).toEqual([taskId]);
  expect(await agentsOf("mine")).toEqual([["resize", { zone: "a" }]]);
});

test("a worker whose certificate is not to be used any more is refused, and the audit log says so", async () => {
  const refused: unknown[] = [];
  world = await invited(
    { namespaces: "*", agents: [] },
    {
      admit: () => Promise.reject(new Fault("unauthenticated", "revoked", { reason: "REVOKED" })),
      audit: { trail: { refused: (entry: unknown) => refused.push(entry) } },
    },
  );
  const double = new SlotWorkerDouble(world, worker.name);
  await double.beat(5);

  expect(double.failure).toContain("revoked");
  expect(refused).toMatchObject([
    {
      actor: "worker:default/w-invited",
      action: "worker.connect",
      object: "worker w-invited",
      detail: "REVOKED",
    },
  ]);
});

test("an invitation that names no agents leaves them to what is asked for", async () => {
  world = await invited({ namespaces: "*", agents: [] });
  const { gateway } = world.clients;
  const { taskId } = await gateway.submitTask(spec({ name: "resize" }), as("mine"));
  const double = new SlotWorkerDouble(world, worker.name);
  await double.beat(5);
  const later = await gateway.submitTask(spec({ name: "crop" }), as("theirs"));
  await double.beat(5);

  expect(double.tasks).toEqual([taskId, later.taskId]);
});
