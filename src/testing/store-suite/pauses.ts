import { EVERY_NAMESPACE, type Pause, type PauseScope, pauseKey, THE_PLANE } from "#domain/pause/pause";
import { instant, NEVER } from "#domain/time/time";
import type { Store } from "#ports/store";
import { commit, run, runId, sessionId, spec, step, task, taskId } from "../rows.js";
import type { Suite } from "./kit.js";

const agent: PauseScope = { kind: "agent", namespace: EVERY_NAMESPACE, name: 'a"b', principal: "" };
const worker: PauseScope = { kind: "worker", namespace: "", name: "w1", principal: "größe" };

function pause(scope: PauseScope, part: Partial<Pause> = {}): Pause {
  return { scope, reason: "why\nnot", until: NEVER, by: "local", at: instant(7), ...part };
}

/** What is paused, and how much of it goes on. */
export function pauseTests({ test, expect, use }: Suite): void {
  const pausesOf = async (store: Store) =>
    [...(await store.boot()).pauses].sort((a, b) => (pauseKey(a.scope) < pauseKey(b.scope) ? -1 : 1));
  const put = (made: Pause) => ({ type: "put", pause: made }) as const;
  const remove = (scope: PauseScope) => ({ type: "remove", scope }) as const;

  test("a pause is kept until it is removed, and a later one of its scope takes its place", () =>
    use(async (first, reopen) => {
      const all = [pause(agent), pause(THE_PLANE, { until: instant(9) }), pause(worker)];
      await first.commit(commit({ pauses: all.map(put) }));
      const store = await reopen();
      expect(await pausesOf(store)).toEqual(all);
      const later = pause(agent, { reason: "", until: instant(11), by: "other", at: instant(8) });
      await store.commit(commit({ pauses: [put(later), remove(THE_PLANE), remove(THE_PLANE)] }));
      expect(await pausesOf(await reopen())).toEqual([later, pause(worker)]);
    }));

  test("changes of one scope happen in their order", () =>
    use(async (store, reopen) => {
      await store.commit(commit({ pauses: [put(pause(agent)), remove(agent)] }));
      expect(await pausesOf(await reopen())).toEqual([]);
    }));

  test("a pause that ends at another instant than said is not removed", () =>
    use(async (store, reopen) => {
      const made = pause(agent, { until: instant(9) });
      await store.commit(commit({ pauses: [put(made)] }));
      const ends = (until: number) => ({ ...remove(agent), until: instant(until) });
      await store.commit(commit({ pauses: [ends(8)] }));
      const again = await reopen();
      expect(await pausesOf(again)).toEqual([made]);
      await again.commit(commit({ pauses: [ends(9)] }));
      expect(await pausesOf(await reopen())).toEqual([]);
    }));

  test("held Runs are counted by scope, ended ones too, and released ones not", () =>
    use(async (store) => {
      const [plain, made] = [taskId(1), taskId(2)];
      const template = { namespace: "n2", name: "flow", version: "1.0.0" };
      const held = { heldBy: sessionId("s1"), status: "RUNNING" } as const;
      await store.commit(
        commit({
          tasks: [task(plain), task(made, { namespace: "n2", spec: spec({ agentName: "", template }) })],
          steps: [step(plain), step(made)],
          runs: [
            run(runId(1), plain, held),
            run(runId(2), plain, { ...held, status: "CANCELLED", agentName: "other" }),
            run(runId(3), plain, { heldBy: "", status: "COMPLETED" }),
            run(runId(4), made, { ...held, namespace: "n2", principal: "p2" }),
          ],
        }),
      );
      const count = (scope: Partial<PauseScope>) =>
        store.reads.countHeld({ ...THE_PLANE, ...scope } as PauseScope);
      const of = run(runId(1), plain);
      expect([
        await count({}),
        await count({ kind: "namespace", namespace: "default" }),
        await count({ kind: "agent", namespace: "default", name: "other" }),
        await count({ kind: "agent", namespace: EVERY_NAMESPACE, name: of.agentName }),
        await count({ kind: "agent", namespace: "n2", name: of.agentName }),
        await count({ kind: "template", namespace: "n2", name: "flow" }),
        await count({ kind: "template", namespace: "default", name: "flow" }),
        await count({ kind: "worker", name: of.workerId, principal: "p2" }),
        await count({ kind: "worker", name: "nobody", principal: "p2" }),
      ]).toEqual([3, 2, 1, 2, 1, 1, 0, 1, 0]);
    }));
}
