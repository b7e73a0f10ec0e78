import { describe, expect, test } from 'vitest';
import type { Job, JobStore, Waker } from '../../../src/store/types.js';
import { aJob } from '../support/rows.js';

const HOUR = 3_600_000;
const HALF_MINUTE = 30_000;

/**
 * What every Waker promises.
 *
 * @param open A waker that was not started, on an empty store. Owners called `dead…` are known to be dead. Steps that
 *   fail are reported to `failures`. Stopped by the caller's own clean-up.
 */
export function wakerSuite(
  name: string,
  open: () => Promise<{ jobs: JobStore; waker: Waker; failures: unknown[] }>,
): void {
  /** A step that ends the job, as most last steps do, and reports. */
  function finishing(jobs: JobStore): {
    step: (id: string) => Promise<void>;
    done: (...ids: string[]) => Promise<void>;
  } {
    const finished = new Set<string>();
    let check = (): void => undefined;
    return {
      async step(id) {
        await jobs.change(id, (row) => ({ job: { ...row, state: 'succeeded' } }));
        finished.add(id);
        check();
      },
      done: (...ids) =>
        new Promise((resolve) => {
          check = () => {
            if (ids.every((id) => finished.has(id))) resolve();
          };
          check();
        }),
    };
  }

  async function write(jobs: JobStore, ...rows: Job[]): Promise<void> {
    await Promise.all(rows.map((row) => jobs.create(row, undefined)));
  }

  describe(name, () => {
    test('what is due at the start is stepped at once, what nobody is to touch is not', async () => {
      const { jobs, waker } = await open();
      const due = aJob({ dueAt: 3 });
      const left = aJob({ dueAt: 2, lease: { owner: 'dead worker', until: Date.now() + HOUR } });
      const held = aJob({ dueAt: 1, lease: { owner: 'another worker', until: Date.now() + HALF_MINUTE } });
      const later = aJob({ dueAt: Date.now() + HALF_MINUTE });
      const ended = aJob({ dueAt: 1, state: 'failed' });
      await write(jobs, due, left, held, later, ended);
      const { step, done } = finishing(jobs);
      waker.start(step);
      await done(due.id, left.id);
      await waker.stop();
      for (const row of [held, later, ended]) expect(await jobs.get(row.id)).toEqual(row);
    });

    test('a job is stepped when its moment comes, not before', async () => {
      const { jobs, waker } = await open();
      const job = aJob({ dueAt: Date.now() + 150 });
      await write(jobs, job);
      const { step, done } = finishing(jobs);
      let steppedAt = 0;
      waker.start(async (id) => {
        steppedAt = Date.now();
        await step(id);
      });
      await done(job.id);
      expect(steppedAt).toBeGreaterThanOrEqual(job.dueAt);
    });

    test('a moment that a step sets anew is kept', async () => {
      const { jobs, waker } = await open();
      const job = aJob();
      await write(jobs, job);
      const early: number[] = [];
      await new Promise<void>((resolve) => {
        waker.start(async (id) => {
          const row = await jobs.get(id);
          if (row && Date.now() < row.dueAt) early.push(row.dueAt);
          if (row && row.storeAttempts === 5) resolve();
          await jobs.change(id, (now) => ({
            job: { ...now, storeAttempts: now.storeAttempts + 1, dueAt: Date.now() + 20 },
          }));
        });
      });
      expect(early).toEqual([]);
    });

    test('a lease that is over is no hindrance', async () => {
      const { jobs, waker } = await open();
      const until = Date.now() + 100;
      const job = aJob({ lease: { owner: 'another worker', until } });
      await write(jobs, job);
      const { step, done } = finishing(jobs);
      let steppedAt = 0;
      waker.start(async (id) => {
        steppedAt = Date.now();
        await step(id);
      });
      await done(job.id);
      expect(steppedAt).toBeGreaterThanOrEqual(until);
    });

    test('wake is heard before start, and for a job that is not due', async () => {
      const { jobs, waker } = await open();
      const [first, second] = [aJob({ dueAt: Date.now() + HOUR }), aJob({ dueAt: Date.now() + HOUR })];
      await write(jobs, first, second);
      const { step, done } = finishing(jobs);
      waker.wake(first.id);
      waker.start(step);
      waker.wake(second.id);
      await done(first.id, second.id);
    });

    test('steps of one job never overlap, and a wake during a step leads to one more', async () => {
      const { jobs, waker } = await open();
      const job = aJob({ dueAt: Date.now() + HOUR });
      await write(jobs, job);
      let [inside, most, steps] = [0, 0, 0];
      await new Promise<void>((resolve) => {
        waker.start(async (id) => {
          most = Math.max(most, ++inside);
          if (++steps < 20) {
            // Several wakes while it runs are one.
            waker.wake(id);
            waker.wake(id);
          }
          await new Promise(setImmediate);
          inside--;
          if (steps === 20) resolve();
        });
        waker.wake(job.id);
      });
      await waker.stop();
      expect({ most, steps }).toEqual({ most: 1, steps: 20 });
    });

    test('a hundred jobs are stepped side by side', async () => {
      const { jobs, waker } = await open();
      const rows = Array.from({ length: 100 }, () => aJob());
      await write(jobs, ...rows);
      const inside = new Set<string>();
      let open100 = (): void => undefined;
      const all = new Promise<void>((resolve) => (open100 = resolve));
      waker.start(async (id) => {
        inside.add(id);
        if (inside.size === 100) open100();
        await all;
        await jobs.change(id, (row) => ({ job: { ...row, state: 'succeeded' } }));
      });
      await all;
    });

    test('a thousand live jobs all get their turns', async () => {
      const { jobs, waker } = await open();
      const rows = Array.from({ length: 1_000 }, () => aJob());
      await write(jobs, ...rows);
      const turns = new Map<string, number>();
      let finished = 0;
      await new Promise<void>((resolve) => {
        waker.start(async (id) => {
          const turn = (turns.get(id) ?? 0) + 1;
          turns.set(id, turn);
          await jobs.change(id, (row) => ({
            job: turn === 2 ? { ...row, state: 'succeeded' } : { ...row, dueAt: Date.now() + 50 },
          }));
          if (turn === 2 && ++finished === 1_000) resolve();
        });
      });
      await waker.stop();
      expect([...turns.values()].every((turn) => turn === 2)).toBe(true);
    });

    test('a step that throws is reported and tried again, and the others go on', async () => {
      const { jobs, waker, failures } = await open();
      const [broken, good] = [aJob({ dueAt: 1 }), aJob({ dueAt: 2 })];
      await write(jobs, broken, good);
      const { step, done } = finishing(jobs);
      let attempts = 0;
      waker.start(async (id) => {
        if (id === broken.id && ++attempts < 4) throw new Error('no network');
        await step(id);
      });
      await done(broken.id, good.id);
      expect(failures).toEqual(Array.from({ length: 3 }, () => new Error('no network')));
    });

    test('stop waits for the steps that run and starts no other', async () => {
      const { jobs, waker } = await open();
      const [running, waiting] = [aJob({ dueAt: Date.now() + HOUR }), aJob({ dueAt: Date.now() + HOUR })];
      await write(jobs, running, waiting);
      const order: string[] = [];
      let finish = (): void => undefined;
      await new Promise<void>((resolve) => {
        waker.start(async () => {
          order.push('begun');
          resolve();
          await new Promise<void>((end) => (finish = end));
          order.push('ended');
        });
        waker.wake(running.id);
      });
      const stopped = waker.stop().then(() => order.push('stopped'));
      waker.wake(waiting.id);
      await new Promise(setImmediate);
      expect(order).toEqual(['begun']);
      finish();
      await stopped;
      await new Promise(setImmediate);
      expect(order).toEqual(['begun', 'ended', 'stopped']);
    });
  });
}
