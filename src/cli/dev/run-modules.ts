import { templateKey } from "#domain/template/template";
import { limits } from "#limits/index";
import type { ExitCode } from "../exit.js";
import { devKey } from "../server/dev-key.js";
import {
  describeServer,
  refuseTls,
  type ServerOptions,
  startOrExplain,
  untilStopped,
} from "../server/server.js";
import { loadConfig } from "../server/settings.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";
import { DevSession } from "./session.js";
import { modulesOf, nodeArguments, readSource } from "./sources.js";
import { observed, TaskLines } from "./task-lines.js";
import { DevelopmentVersions } from "./versions.js";

export interface DevOptions extends ServerOptions {
  /** Files and folders whose agents and workflows are served; none for the built-in agents. */
  readonly modules: readonly string[];
  readonly watch: boolean;
}

/** `dev MODULE…`: runs a server here, and the agents and workflows of the modules in a process of their own. */
export async function runModules({ modules, watch, ...options }: DevOptions, io: Io): Promise<ExitCode> {
  const sources = modules.map((given) => readSource(given, io.cwd));
  nodeArguments(sources.flatMap(modulesOf));
  const defaults = { "log-level": "warn" };
  const config = loadConfig({
    flags: options.flags,
    env: io.env,
    cwd: io.cwd,
    file: options.config,
    defaults,
  });
  refuseTls(config);
  const lines = new TaskLines(io);
  const versions = new DevelopmentVersions((template, as) => {
    void io.stdout.write(`dev: ${oneLine(templateKey(template))} stands for ${oneLine(as)}\n`);
  });
  const server = await startOrExplain(config, io, options, {
    store: (store) => observed(versions.around(store), lines),
    plane: (plane) => versions.of(plane),
  });

  const [addr = ""] = server.grpc;
  const { logLevel, otlp } = config;
  const apiKey = await devKey(server, config, io);
  const session = new DevSession({ sources, watch, addr: `http://${addr}`, apiKey, logLevel, otlp, io });
  const failed = Promise.race([server.failed, session.failed]);
  session.start();
  const how = watch ? "Files are watched. " : "";
  const announcement = `${describeServer(server, config)}\n${how}Ctrl-C stops it.\n`;
  return untilStopped({ ...server, failed }, announcement, io, () => session.stop(limits.workerDrain));
}
