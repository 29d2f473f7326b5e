import { type Command, Option } from "commander";
import type { ConnectionOptions } from "../connection.js";
import { CliError, exit } from "../exit.js";
import { namespaceOption } from "../options.js";
import { type FilterOptions, filterOptions } from "./filter-options.js";
import type { JsonOption } from "./task.js";

/** What the commands take that can be done with all tasks of a filter. */
export interface BulkOptions extends ConnectionOptions, FilterOptions, JsonOption {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly reason?: string;
  readonly bulkId?: string;
  readonly after?: string;
}

/** What the same commands take for one task only. */
interface OfOneTask {
  readonly from?: string;
  readonly input?: string;
  readonly watch?: boolean;
  readonly idempotencyKey?: string;
}

/** Adds the options of {@link BulkOptions} to a command that takes ids otherwise. */
export function addBulkOptions(command: Command): Command {
  command
    .option("--all", "In place of ids: all tasks that fit --status, --agent and the like.")
    .option("--dry-run", "With --all: say how many it would be done with, and do nothing.")
    .option("--yes", "With --all: do not ask.")
    .addOption(new Option("--bulk-id <id>", "With --all: go on with this bulk action.").hideHelp())
    .addOption(new Option("--after <token>", "With --bulk-id: after what is done of it.").hideHelp());
  for (const option of filterOptions()) command.addOption(option.hideHelp());
  return command
    .addOption(namespaceOption().hideHelp())
    .addHelpText(
      "after",
      "\n--all takes the filters of `task list`, for example --status FAILED --age '<1h'.",
    );
}

/** The ids that were named. @throws {CliError} if there are none, or if they are named beside --all */
export function checkIds(ids: readonly (string | undefined)[], options: BulkOptions & OfOneTask): void {
  const { all, from = "failed", input, watch, idempotencyKey } = options;
  const isNamed = ids.some((id) => id !== undefined);
  if (all && isNamed) throw new CliError(exit.usage, "name tasks, or --all with filters, not both");
  if (all && (from !== "failed" || input !== undefined || watch || idempotencyKey !== undefined)) {
    const what = "a step of --from, --input, --watch and --idempotency-key are for one task";
    throw new CliError(exit.usage, what);
  }
  if (!all && !isNamed) throw new CliError(exit.usage, "name a task, or --all with filters of `task list`");
}
