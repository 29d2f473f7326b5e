import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption, namespacesOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `top`: how things are, live. */
export function addTopCommand(program: Command, io: Io, end: Ending): void {
  program
    .command("top")
    .description(
      "Show live how things are: workers, queues, rates, the oldest waiting tasks, the last failures.",
    )
    .option("--once", "Print it once, as it is now. So it is in a pipe.")
    .addOption(jsonOption("Print it once, as JSON."))
    .addOption(namespacesOption())
    .addOption(addrOption())
    .action(async (options) => end((await import("./top.js")).runTop(options, io)));
}
