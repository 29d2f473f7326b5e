import { type ClientHttp2Session, connect } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { millis } from "#domain/time/time";
import { AnswerAdmission, AnswerQuota } from "#gateway/traffic/answer-admission";
import { BufferBudget, BufferedBytes, BufferUse } from "#gateway/traffic/buffered-bytes";
import { limits } from "#limits/index";
import { step, task } from "#testing/rows";
import { type Task, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { paths } from "../../hostile/raw/paths.js";
import { envelope } from "../../hostile/raw/raw-http2.js";
import { grpcRequest, stringField } from "../../hostile/raw/sessions.js";
import { allMounts } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";

const MIB = 1024 * 1024;
const largest = limits.messageBytes;
const share = limits.answersPerConnection / largest;

describe("room for answers", () => {
  let admission: AnswerAdmission;
  let untaken: BufferedBytes;
  let budget: BufferBudget;
  let log: string[];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setImmediate", "performance"] });
    log = [];
    budget = new BufferBudget(limits.bufferedBytes, limits.bufferedBytesMost);
    const full = () => new Fault("overloaded", "full");
    untaken = new BufferedBytes(budget, { uses: Number.POSITIVE_INFINITY, full });
    const waiting = new BufferedBytes(budget, {
      uses: 3,
      deadline: millis(40_000),
      late: () => new Fault("overloaded", "late"),
      full,
    });
    admission = new AnswerAdmission(budget, untaken, waiting);
  });
  afterEach(() => vi.useRealTimers());

  /** Asks for room, and logs what became of it. @returns what is held then */
  function ask(name: string, quota: AnswerQuota, bytes = largest): BufferUse {
    const sending = new BufferUse(() => log.push(`${name} cut`), quota);
    const room = admission.reserve(sending, quota, bytes);
    if (room === undefined) log.push(name);
    room?.then(
      () => log.push(`${name} later`),
      (error: Error) => log.push(`${name} ${error.message}`),
    );
    return sending;
  }

  const fill = (bytes: number) => untaken.use(new BufferUse(() => log.push("filling cut")), bytes);
  const turn = () => vi.advanceTimersByTimeAsync(1);

  test("a connection has its share, and the next waits until one of its answers is read", async () => {
    const quota = new AnswerQuota();
    const asked = Array.from({ length: share + 2 }, (_, i) => ask(`${i}`, quota));
    expect(log).toEqual(["0", "1", "2", "3"]);
    // Written, and small: there is room again for one that may be large only if none is left.
    untaken.use(asked[0] as BufferUse, 100);
    await turn();
    expect(log).toHaveLength(share);
    untaken.release(asked[1] as BufferUse);
    await turn();
    expect(log.slice(share)).toEqual(["4 later"]);
    expect(quota.bytes).toBe((share - 1) * largest + 100);
    ask("another's", new AnswerQuota());
    expect(log.at(-1)).toBe("another's");
  });

  test("what is small does not use up a share", () => {
    const quota = new AnswerQuota();
    for (let i = 0; i < 1_000; i += 1) untaken.use(ask(`${i}`, quota), 1_000);
    expect(log).toHaveLength(1_000);
  });

  test("when all is full, who has nothing is served before who has something", async () => {
    const [evil, honest] = [new AnswerQuota(), new AnswerQuota()];
    ask("evil 1", evil);
    fill(limits.bufferedBytes - largest);
    ask("evil 2", evil);
    const first = ask("honest 1", honest);
    ask("honest 2", honest);
    expect(log).toEqual(["evil 1", "honest 1"]);
    untaken.release(first);
    await turn();
    expect(log.slice(2)).toEqual(["honest 2 later"]);
  });

  test("nobody passes the most, and what is old leaves for those who wait", async () => {
    fill(limits.bufferedBytesMost - largest);
    ask("a", new AnswerQuota());
    ask("b", new AnswerQuota());
    await vi.advanceTimersByTimeAsync(1_500);
    expect(log).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log).toEqual(["a", "filling cut", "b later"]);
  });

  test("nothing of others leaves for one who has its share", async () => {
    const quota = new AnswerQuota();
    fill(limits.bufferedBytes - limits.answersPerConnection);
    for (let i = 0; i <= share; i += 1) ask(`${i}`, quota);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(log).toHaveLength(share);
  });

  test("connections take turns", async () => {
    const [a, b] = [new AnswerQuota(), new AnswerQuota()];
    ask("a1", a);
    ask("b1", b);
    const filling = new BufferUse(() => undefined);
    untaken.use(filling, limits.bufferedBytes);
    for (const name of ["a2", "a3"]) ask(name, a);
    ask("b2", b);
    expect(log).toEqual(["a1", "b1"]);
    for (const free of [3, 4]) {
      untaken.use(filling, limits.bufferedBytes - free * largest);
      await turn();
    }
    expect(log.slice(2)).toEqual(["a2 later", "b2 later"]);
  });

  test("who waits is refused in the end, is not too many, and waits no more when its peer is gone", async () => {
    const quota = new AnswerQuota();
    for (let i = 0; i < share; i += 1) ask(`${i}`, quota);
    log = [];
    const [first] = [ask("first", quota), ask("second", quota), ask("third", quota)];
    admission.abandon(first as BufferUse, quota);
    ask("fourth", quota);
    ask("fifth", quota);
    await turn();
    expect(log).toEqual(["first the caller is gone", "second full"]);
    await vi.advanceTimersByTimeAsync(42_000);
    expect(log.slice(2)).toEqual(["third late", "fourth late", "fifth late"]);
    expect([quota.bytes, quota.waiting.size]).toEqual([share * largest, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("answers that nobody reads", () => {
  const id = "t" as TaskId;
  let opened: Opened;
  let reads: number;
  let session: ClientHttp2Session;

  beforeEach(async () => {
    opened = await open();
    const detail = {
      task: task(id),
      input: JSON.stringify("x".repeat(MIB - 64)),
      steps: [step(id)],
      runs: [],
    };
    opened.plane.details.set(id, detail);
    reads = 0;
    const { task: read } = opened.plane.reads;
    opened.plane.reads.task = (asked) => {
      reads += 1;
      return read(asked);
    };
  });
  afterEach(async () => {
    session.destroy();
    await opened.gateway.close(1_000);
  });

  const idle = async () => {
    for (let before = -1; before !== reads; ) {
      before = reads;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  test.each(["grpcPort", "httpPort"] as const)(
    "are read from the store for a part of those who ask, and others are served (%s)",
    async (port) => {
      session = connect(`http://127.0.0.1:${opened[port]}`, { settings: { initialWindowSize: 0 } });
      session.on("error", () => undefined);
      const streams = Array.from({ length: 90 }, () => {
        const stream = grpcRequest(session, paths.get);
        return stream.end(envelope(stringField(1, id)));
      });
      await idle();
      expect(reads).toBeGreaterThanOrEqual(share);
      // An answer of a megabyte takes the room of one while it is being made.
      expect(reads).toBeLessThanOrEqual(limits.answersPerConnection / MIB);

      const { getTask } = TaskService.method;
      for (const mount of allMounts(opened)) {
        const { answers, error } = await mount.call(getTask, [create(getTask.input, { id })]);
        expect(error).toBeUndefined();
        expect((answers[0] as Task).inputJson).toHaveLength(MIB - 62);
        mount.close();
      }

      // Who gives up makes room, and what waited and was given up is not read any more.
      const before = reads;
      for (const stream of streams.slice(0, 60)) stream.close();
      await idle();
      expect(reads - before).toBeGreaterThan(0);
      expect(reads - before).toBeLessThanOrEqual(30);
    },
  );
});
