import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { LocalWaker } from '../../src/store/waker.js';
import { wakerSuite } from './suites/waker.js';
import { temporaryFolder } from './support/folder.js';
import { startHelper } from './support/processes.js';
import { aJob } from './support/rows.js';

wakerSuite('local waker', async () => {
  const { jobs } = openStore(await temporaryFolder());
  const failures: unknown[] = [];
  const waker = new LocalWaker(jobs, {
    sweepMs: 50,
    isDead: (owner) => owner.startsWith('dead'),
    onError: (error) => failures.push(error),
  });
  onTestFinished(async () => {
    await waker.stop();
    await jobs.close();
  });
  return { jobs, waker, failures };
});

test('a job whose process was killed is taken up, although its lease has long to go', async () => {
  const folder = await temporaryFolder();
  const store = openStore(folder);
  const { jobs, waker } = store;
  onTestFinished(() => store.close());
  const job = aJob();
  await jobs.create(job, undefined);
  const helper = await startHelper('lease', folder, job.id);
  helper.go();
  await helper.heard(1);
  expect((await jobs.get(job.id))?.lease?.until).toBeGreaterThan(Date.now() + 1_000_000);
  await helper.kill();
  const stepped = await new Promise<string>((resolve) => waker.start(async (id) => resolve(id)));
  expect(stepped).toBe(job.id);
});

describe('timers', () => {
  afterEach(() => vi.useRealTimers());

  test('with no live job there is nothing but the slow sweep', async () => {
    vi.useFakeTimers();
    const due = vi.fn<() => Promise<string[]>>(async () => []);
    const waker = new LocalWaker({ due, nextDue: async () => undefined });
    waker.start(async () => undefined);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(due).toHaveBeenCalledTimes(7);
    expect(vi.getTimerCount()).toBe(1);
    await waker.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a job is stepped at its moment, without waiting for the sweep', async () => {
    vi.useFakeTimers();
    const dueAt = Date.now() + 1_234;
    const step = vi.fn<(id: string) => Promise<void>>(async () => undefined);
    const waker = new LocalWaker({
      due: async (now) => (now >= dueAt && step.mock.calls.length === 0 ? ['job_a'] : []),
      nextDue: async () => (step.mock.calls.length === 0 ? dueAt : undefined),
    });
    waker.start(step);
    await vi.advanceTimersByTimeAsync(1_230);
    expect(step).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(5);
    expect(step).toHaveBeenCalledWith('job_a');
    await waker.stop();
  });

  test('a job that stays due whatever its steps do is stepped ever more rarely', async () => {
    vi.useFakeTimers();
    const step = vi.fn<(id: string) => Promise<void>>(async () => undefined);
    const waker = new LocalWaker({ due: async () => ['job_a'], nextDue: async () => undefined });
    waker.start(step);
    await vi.advanceTimersByTimeAsync(10_000);
    const soon = step.mock.calls.length;
    expect(soon).toBeGreaterThan(5);
    expect(soon).toBeLessThan(20);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(step.mock.calls.length - soon).toBeLessThanOrEqual(7);
    await waker.stop();
  });

  test('a job that is held back is not held back for longer because the clock was set back', async () => {
    vi.useFakeTimers();
    const step = vi.fn<(id: string) => Promise<void>>(async () => undefined);
    const waker = new LocalWaker({ due: async () => ['job_a'], nextDue: async () => undefined });
    waker.start(step);
    await vi.advanceTimersByTimeAsync(20_000);
    const before = step.mock.calls.length;
    vi.setSystemTime(Date.now() - 3_600_000);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(step.mock.calls.length).toBeGreaterThan(before);
    await waker.stop();
  });

  test('a job that cannot be carried on here makes no work, and holds up no other', async () => {
    vi.useFakeTimers();
    const begun = Date.now();
    const dueAt = begun + 61_234;
    let steppedAt = 0;
    const due = vi.fn<(now: number) => Promise<string[]>>(async (now) =>
      now >= dueAt && steppedAt === 0 ? ['no key', 'job_a'] : ['no key'],
    );
    const waker = new LocalWaker({ due, nextDue: async (after = -1) => (after < dueAt ? dueAt : undefined) });
    waker.start(async (id) => {
      if (id === 'job_a') steppedAt = Date.now();
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(due.mock.calls.length).toBeLessThan(60);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(steppedAt).toBe(dueAt);
    await waker.stop();
  });

  test('a job that is woken in the middle of a long step does not make the others late', async () => {
    vi.useFakeTimers();
    const begun = Date.now();
    let dueAt = begun + 1_000;
    const steppedAt: number[] = [];
    const waker = new LocalWaker({
      due: async (now) => (now >= dueAt ? ['job_b'] : []),
      nextDue: async (after = -1) => (after < dueAt ? dueAt : undefined),
    });
    let finish = (): void => undefined;
    let long = 0;
    waker.start(async (id) => {
      if (id === 'job_a') {
        long++;
        return new Promise<void>((resolve) => (finish = resolve));
      }
      steppedAt.push(Date.now() - begun);
      dueAt = Date.now() + 1_000;
    });
    waker.wake('job_a');
    await vi.advanceTimersByTimeAsync(1);
    for (let n = 0; n < 3; n++) waker.wake('job_a');
    await vi.advanceTimersByTimeAsync(3_500);
    expect(steppedAt).toEqual([1_000, 2_000, 3_000]);
    // Several wakes are one more step, and only when the long one has ended.
    expect(long).toBe(1);
    finish();
    await vi.advanceTimersByTimeAsync(1);
    expect(long).toBe(2);
    finish();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(long).toBe(2);
    await waker.stop();
  });

  test('stop does not wait for a step that does not end', async () => {
    vi.useFakeTimers();
    const waker = new LocalWaker({ due: async () => ['job_a'], nextDue: async () => undefined });
    const step = vi.fn<(id: string) => Promise<void>>(() => new Promise(() => undefined));
    waker.start(step);
    await vi.advanceTimersByTimeAsync(1);
    const stopped = vi.fn<() => void>();
    const stopping = waker.stop().then(stopped);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(step).toHaveBeenCalledTimes(1);
    expect(stopped).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a store that fails is reported and asked again', async () => {
    vi.useFakeTimers();
    const onError = vi.fn<(error: unknown) => void>();
    const due = vi
      .fn<() => Promise<string[]>>(async () => ['job_a'])
      .mockRejectedValueOnce(new Error('disk on fire'));
    const step = vi.fn<(id: string) => Promise<void>>(async () => undefined);
    const waker = new LocalWaker({ due, nextDue: async () => undefined }, { onError });
    waker.start(step);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(onError).toHaveBeenCalledWith(new Error('disk on fire'), undefined);
    expect(step).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(step).toHaveBeenCalledWith('job_a');
    await waker.stop();
  });
});
