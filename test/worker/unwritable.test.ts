import { expect, test, vi } from "vitest";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import * as frames from "#worker/protocol/frames";
import { startPlane, startWorker } from "./kit/workbench.js";

vi.mock("#worker/protocol/frames", { spy: true });

test("a message that cannot be written fails its run with what can; the stream goes on", async () => {
  const { ended: whole } = await vi.importActual<typeof frames>("#worker/protocol/frames");
  vi.mocked(frames.ended).mockImplementation((run, outcome, count, backend, at) => {
    const message = whole(run, outcome, count, backend, at);
    const broken = run.runId === "bad" && outcome.status === "COMPLETED";
    if (broken && message.payload.case === "statusUpdate") message.payload.value.fence = 1.5;
    return message;
  });
  const plane = await startPlane();
  await startWorker(plane);
  const session = await plane.greet();
  session.assign({ runId: "bad" });
  session.assign({ runId: "good", inputJson: "1" });

  const ends = [await session.hearEnd(), await session.hearEnd()];
  expect(ends.find(({ runId }) => runId === "bad")).toMatchObject({
    status: RunStatus.FAILED,
    reason: "REPORT_INVALID",
    retryable: false,
    errorMessage: expect.stringMatching(/^what the run has to say cannot be sent: .*fence.*1.5$/),
  });
  expect(ends.find(({ runId }) => runId === "good")).toMatchObject({ status: RunStatus.COMPLETED });
  vi.mocked(frames.ended).mockImplementation(whole);
});
