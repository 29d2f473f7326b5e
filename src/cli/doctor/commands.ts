import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `doctor`. */
export function addDoctorCommand(program: Command, io: Io, end: Ending): void {
  program
    .command("doctor")
    .description("Check this machine, the settings and the server, and say what is wrong and what to do.")
    .option("--config <file>", "Read settings from this file instead of taskrun.toml.")
    .addOption(jsonOption("Print it as JSON, a check a line."))
    .addOption(addrOption())
    .action(async (options) => end((await import("./doctor.js")).runDoctor(options, io)));
}
