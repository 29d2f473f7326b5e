import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant";
import type { FileOptions } from "../file/file.js";
import { type Call, ConnectionHost, type Role } from "./connection-host.js";

/** One of the store's two threads: executes calls one after another, in order. */
invariant(parentPort, "this module is the entry of a thread, not of a program");
const port = parentPort;
const { role, options } = workerData as { readonly role: Role; readonly options: FileOptions };
/** An unsolicited message: the store has failed. */
const host = new ConnectionHost(role, options, (failure) => port.postMessage({ event: failure }));

port.on("message", (call: Call) => {
  port.postMessage(host.answer(call));
  host.checkpointIfDue();
});
