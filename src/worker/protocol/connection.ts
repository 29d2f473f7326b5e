import { createClient } from "@connectrpc/connect";
import { limits } from "#limits/index";
import type { Connection as Carrier, ConnectionOptions } from "#transport/connection";
import { connectTo, serversAt } from "#transport/several";
import {
  type RunClientMessage,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import type { EarlierRecord } from "../journal/journal.js";
import type { JournalWanted } from "../run/journal-reader.js";
import type { Ask } from "../run/patient-reader.js";
import type { ResultWanted } from "../run/result-reader.js";
import { earlierRecords } from "./journal-frames.js";
import type { RunKey } from "./run-key.js";

/** A Worker's stream to the server, and the unary calls on the same connection. */
export interface Connection {
  readonly incoming: AsyncIterable<RunServerMessage>;
  /** Reads the result of a Step as JSON text. */
  readonly readResult: Ask<ResultWanted>;
  /** Reads the input of a Run's Task as JSON text. */
  readonly readInput: Ask<RunKey>;
  /** Reads a page of the journal of a Run's Step. */
  readonly readJournal: Ask<JournalWanted, readonly EarlierRecord[]>;
  /** Ends the stream and its connection at once. */
  close(): void;
}

/** A server that a Worker connects to. */
export interface Plane {
  /** Its address, for messages: of several the one in use, or to be tried next. */
  readonly addr: string;
  /** Prepares a connection; nothing is sent before the first call. */
  readonly connect: () => Carrier;
}

/**
 * A server at an address, or whichever of several answers: each connection is to one that has not failed before it. HTTP/2 pings
 * detect a dead peer.
 *
 * @param urls from `readServer`, as its other options
 */
export function planeAt(
  urls: readonly string[],
  { trust, apiKey, certificate }: Pick<ConnectionOptions, "trust" | "apiKey" | "certificate"> = {},
): Plane {
  const bounds = { readMaxBytes: limits.messageBytes, writeMaxBytes: limits.messageBytes };
  const servers = serversAt(urls, trust);
  return {
    get addr() {
      return servers.current;
    },
    connect: () => connectTo(servers, { pingMs: limits.workerPing, ...bounds, trust, apiKey, certificate }),
  };
}

/**
 * Opens a Worker's stream on a connection of its own, so that closing it releases everything.
 *
 * @param outgoing read as the transport can send
 * @param opened called when the server's headers have arrived, before its first message
 */
export function dial(
  plane: Plane,
  outgoing: AsyncIterable<RunClientMessage>,
  opened: () => void,
): Connection {
  const aborter = new AbortController();
  const connection = plane.connect();
  const client = createClient(RunService, connection.transport);
  const incoming = client.streamConnect(outgoing, {
    signal: aborter.signal,
    onHeader: opened,
  });
  const close = (): void => {
    aborter.abort();
    connection.close();
  };
  const readResult: Ask<ResultWanted> = async (wanted, options) =>
    (await client.getStepResult(wanted, options)).outputJson;
  const readInput: Ask<RunKey> = async ({ runId, fence }, options) =>
    (await client.getRunInput({ runId, fence }, options)).inputJson;
  const readJournal: Connection["readJournal"] = async ({ runId, fence, fromSeq }, options) => {
    const { records } = await client.getJournal({ runId, fence, fromSeq: BigInt(fromSeq) }, options);
    return earlierRecords(records);
  };
  return { incoming, readResult, readInput, readJournal, close };
}
