/** An honest worker, a process of its own: the real SDK with three agents whose results follow from their input. */
import { z } from "zod";
import { silentTelemetry } from "#host/silent-telemetry";
import { agent, serve } from "#worker/index";
import { answer } from "../bench/child.js";
import { ECHO } from "./target.js";

const [addr = "", id = "", namespaces = ""] = process.argv.slice(2);

const echo = agent({
  name: ECHO,
  input: z.unknown(),
  run: async (input, ctx) => ctx.item ?? input,
});

const talk = agent({
  name: "talk",
  input: z.object({ key: z.string() }),
  async *run({ key }) {
    yield `${key} one\n`;
    yield `${key} two\n`;
    return { said: key };
  },
});

const double = agent({ name: "double", input: z.unknown(), run: async (_, ctx) => 2 * Number(ctx.item) });

const sum = agent({
  name: "sum",
  input: z.unknown(),
  run: async (_, ctx) => (await ctx.result("fan", z.array(z.number()))).reduce((all, one) => all + one, 0),
});

const { log } = silentTelemetry();
await new Promise<void>((onConnected) =>
  serve({
    agents: [echo, talk, double, sum],
    addr,
    id,
    namespaces: namespaces.split(","),
    maxRuns: 32,
    log,
    handleSignals: false,
    onConnected: () => onConnected(),
  }),
);
answer(async () => ({}));
