/** The stream of a worker, in whichever protocol: its messages to the plane, and the plane's to it. */
import type { Introduced } from "#api/workers/connect-worker";
import { Fault } from "#domain/fault";
import type { Millis } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import { frameBytes } from "#domain/worker/frame-size";
import { limits } from "#limits/index";
import type { WorkerLink, WorkerSink } from "#ports/plane";
import type { StreamCall } from "./rpc.js";
import { FrameQueue } from "./traffic/frame-queue.js";
import { StallWatch } from "./traffic/stall.js";

/** What a worker's protocol makes of its messages and of the plane's. One for each stream: it may remember what was said. */
export interface WorkerDialogue<Message, Answer> {
  /**
   * Reads how the worker introduces itself; undefined for a message to ignore.
   *
   * @throws {Fault} if it may not connect, or has said something else
   */
  introduced(message: Message): Promise<Introduced | undefined>;
  /** Takes the link, before the worker's hello is passed on by it. */
  connected?(link: WorkerLink): void;
  /** Passes on a later message. Await it before the next one. @throws {Fault} if the worker has broken the protocol */
  hear(message: Message, link: WorkerLink): Promise<void>;
  /** Why its stream ends, by the names of its messages. Default: as it is. */
  inItsWords?(error: Error): Error;
  /** What the worker is told; undefined if the protocol has no words for it. */
  tell(frame: WorkerFrame): Answer | undefined;
}

/** Serves the stream to its end: the answers to the worker, while its messages are passed to the plane at the plane's pace. */
export async function* workerStream<Message, Answer>(
  messages: AsyncIterable<Message>,
  call: StreamCall,
  dialogue: WorkerDialogue<Message, Answer>,
): AsyncIterable<Answer> {
  const stalled = () => call.end(readTooSlowly(frames.unsentBytes));
  const frames: FrameQueue<WorkerFrame> = new FrameQueue<WorkerFrame>({
    count: limits.streamFrames,
    bytes: limits.streamFrameBytes,
    sizeOf: frameBytes,
    overflow: stalled,
    lowBytes: limits.unsentPerWorkerBytes / 2,
    drained: () => link.drained(),
  });
  const stall = new StallWatch(frames, stalled);
  const stop = () => frames.end();
  call.signal.addEventListener("abort", stop, { once: true });
  const link = listen(messages, { frames, stall, call, dialogue });
  try {
    for await (const frame of frames) {
      const answer = dialogue.tell(frame);
      if (answer !== undefined) yield answer;
    }
  } finally {
    call.signal.removeEventListener("abort", stop);
    stall.stop();
    link.close();
  }
}

interface Listening<Message> {
  readonly frames: FrameQueue<WorkerFrame>;
  readonly stall: StallWatch;
  readonly call: StreamCall;
  readonly dialogue: WorkerDialogue<Message, unknown>;
}

/** Reads the worker's stream to its end. */
function listen<Message>(
  messages: AsyncIterable<Message>,
  { frames, stall, call, dialogue }: Listening<Message>,
) {
  const said = (error: Error) => dialogue.inItsWords?.(error) ?? error;
  let link: WorkerLink | undefined;
  let open = true;
  let unwatch = (): void => undefined;
  const helloDue = setTimeout(() => frames.end(helloMissing()), limits.hello);
  helloDue.unref();

  const sink: WorkerSink = {
    get unsentBytes() {
      return frames.unsentBytes;
    },
    send: (frame) => {
      frames.push(frame);
      stall.arm();
    },
    close: (fault) => frames.abandon(said(fault)),
  };
  const read = async () => {
    for await (const message of messages) {
      if (!open) return;
      if (link) {
        await dialogue.hear(message, link);
        continue;
      }
      const introduced = await dialogue.introduced(message);
      if (!introduced) continue;
      // The stream may have ended meanwhile; then the link must be closed here.
      if (!open) return;
      clearTimeout(helloDue);
      call.identified();
      unwatch = watchCertificate(call, introduced, sink);
      link = introduced.connect(sink);
      dialogue.connected?.(link);
      await link.receive({ type: "hello", ...introduced.hello });
    }
  };
  const reading = read().then(
    () => frames.end(),
    (error: Error) => frames.end(said(error)),
  );

  return {
    drained: () => link?.drained(),
    close(): void {
      open = false;
      clearTimeout(helloDue);
      unwatch();
      link?.closed();
      reading.catch(() => undefined);
    },
  };
}

/** Has the stream of a worker ended with its certificate, and the worker told when another authority signs. */
function watchCertificate(
  { caller: { certificate: credential }, services: { enrolment }, end }: StreamCall,
  { hello, certificate }: Introduced,
  sink: WorkerSink,
): () => void {
  if (!credential || !enrolment) return () => undefined;
  const renew = (within: Millis) => sink.send({ type: "renew", within });
  return enrolment.streams.watch({ credential, certificate, end, ...(hello.protocol > 0 && { renew }) });
}

function helloMissing(): Fault {
  const message = `no hello within ${limits.hello / 1_000} s: send one as soon as the response headers are there.`;
  return new Fault("too_slow", message, { reason: "HELLO_TIMEOUT" });
}

function readTooSlowly(bytes: number): Fault {
  const message =
    `the stream is read too slowly: ${limits.streamFrames} messages or ${limits.streamFrameBytes} bytes wait, or ` +
    `none of ${bytes} bytes was taken for ${limits.streamStall / 1_000} s. Reconnect and resume.`;
  return new Fault("overloaded", message, { reason: "STREAM_STALLED" });
}
