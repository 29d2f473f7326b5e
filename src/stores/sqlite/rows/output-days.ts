import { sealedTable } from "./checksum.js";

/** The table of what processes have counted: bytes of output by day, process and namespace. */
export const outputDays = sealedTable("output_days", 3, ["day", "writer", "namespace", "bytes"]);
