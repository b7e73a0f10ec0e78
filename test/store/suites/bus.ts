import { describe, expect, test, vi } from 'vitest';
import type { Bus, JobStore } from '../../../src/store/types.js';
import { aJob } from '../support/rows.js';

/**
 * What every Bus promises.
 *
 * @param open A bus on an empty store, and what another process uses that shares the store.
 */
export function busSuite(
  name: string,
  open: () => Promise<{ jobs: JobStore; bus: Bus; other: { jobs: JobStore; bus: Bus } }>,
): void {
  describe(name, () => {
    test('a change in this process reaches those who listen to that job', async () => {
      const { bus } = await open();
      const called: string[] = [];
      const heard = new Promise<void>((resolve) => {
        bus.subscribe('job_a', () => called.push('first'));
        bus.subscribe('job_a', resolve);
      });
      bus.publish('job_a');
      await heard;
      expect(called).toContain('first');
    });

    test('a change through another connection arrives too', async () => {
      const { jobs, bus, other } = await open();
      const job = aJob();
      await jobs.create(job, undefined);
      const arrived = waitFor(bus, job.id, async () => (await jobs.get(job.id))?.progress === 0.5);
      await other.jobs.change(job.id, (row) => ({ job: { ...row, progress: 0.5 } }));
      other.bus.publish(job.id);
      await arrived;
    });

    test('a change that was made just before the listener came arrives', async () => {
      const { jobs, bus, other } = await open();
      const job = aJob();
      await jobs.create(job, undefined);
      const leave = bus.subscribe('job_z', () => undefined);
      await other.jobs.change(job.id, (row) => ({ job: { ...row, progress: 0.5 } }));
      await waitFor(bus, job.id, async () => (await jobs.get(job.id))?.progress === 0.5);
      leave();
    });

    test('who has left hears nothing, and the others still do', async () => {
      const { bus } = await open();
      const left = vi.fn<() => void>();
      bus.subscribe('job_a', left)();
      const leaving = bus.subscribe('job_a', left);
      const heard = new Promise<void>((resolve) => bus.subscribe('job_a', resolve));
      bus.publish('job_a');
      leaving();
      leaving();
      await heard;
      expect(left).not.toHaveBeenCalled();
    });

    test('a listener that throws does not keep the others from hearing', async () => {
      const { bus } = await open();
      bus.subscribe('job_a', () => {
        throw new Error('broken listener');
      });
      const heard = new Promise<void>((resolve) => bus.subscribe('job_a', resolve));
      bus.publish('job_a');
      await heard;
    });

    test('publish to nobody, and after close, is quiet', async () => {
      const { bus } = await open();
      const listener = vi.fn<() => void>();
      bus.subscribe('job_a', listener);
      bus.publish('job_b');
      bus.close();
      bus.publish('job_a');
      await Promise.resolve();
      expect(listener).not.toHaveBeenCalled();
    });
  });
}

/** Resolves when a call of the listener finds the condition met. */
function waitFor(bus: Bus, jobId: string, isMet: () => Promise<boolean>): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = bus.subscribe(jobId, () => void look());
    async function look(): Promise<void> {
      try {
        if (!(await isMet())) return;
        leave();
        resolve();
      } catch (error) {
        reject(error);
      }
    }
  });
}
