import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { LocalBus } from '../../src/store/bus.js';
import { openStore } from '../../src/store/index.js';
import type { ChangeLog } from '../../src/store/jobs.js';
import { busSuite } from './suites/bus.js';
import { temporaryFolder } from './support/folder.js';
import { startHelper } from './support/processes.js';
import { aJob } from './support/rows.js';

busSuite('local bus', async () => {
  const folder = await temporaryFolder();
  const [store, other] = [openStore(folder), openStore(folder)];
  onTestFinished(async () => {
    await store.close();
    await other.close();
  });
  return { ...store, other };
});

test('a change in another process arrives, and only those are called whose job changed', async () => {
  const folder = await temporaryFolder();
  const store = openStore(folder);
  onTestFinished(() => store.close());
  const [job, bystander] = [aJob(), aJob()];
  for (const row of [job, bystander]) await store.jobs.create(row, undefined);
  const helper = await startHelper('progress', folder, job.id);

  const calls = new Map<string, number>();
  let heard = (): void => undefined;
  const call = (id: string): void => {
    calls.set(id, (calls.get(id) ?? 0) + 1);
    heard();
  };
  const count = (id: string, wanted: number): Promise<void> =>
    new Promise((resolve) => {
      heard = () => {
        if ((calls.get(id) ?? 0) >= wanted) resolve();
      };
      heard();
    });
  for (const { id } of [job, bystander]) store.bus.subscribe(id, () => call(id));
  // The first look calls everybody who came since the last one.
  await count(bystander.id, 1);
  helper.go();
  await count(job.id, 2);
  expect(await store.jobs.get(job.id)).toMatchObject({ progress: 0.5 });
  expect(calls.get(bystander.id)).toBe(1);
});

describe('the look at other processes', () => {
  afterEach(() => vi.useRealTimers());

  function countingLog(): ChangeLog & { looks: number } {
    return {
      looks: 0,
      async changes() {
        this.looks++;
        return { mark: { dataVersion: 1, revision: 0 }, ids: [] };
      },
    };
  }

  test('happens only while somebody listens', async () => {
    vi.useFakeTimers();
    const log = countingLog();
    const bus = new LocalBus(log);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(log.looks).toBe(0);

    const leave = [bus.subscribe('job_a', () => undefined), bus.subscribe('job_b', () => undefined)];
    await vi.advanceTimersByTimeAsync(3_000);
    expect(log.looks).toBe(10);
    for (const go of leave) go();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('goes on after the store failed once, and the failure is reported', async () => {
    vi.useFakeTimers();
    const log = countingLog();
    const changes = vi.spyOn(log, 'changes').mockRejectedValueOnce(new Error('disk on fire'));
    const onError = vi.fn<(error: unknown) => void>();
    const listener = vi.fn<() => void>();
    const bus = new LocalBus(log, { onError });
    bus.subscribe('job_a', listener);
    await vi.advanceTimersByTimeAsync(300);
    expect(onError).toHaveBeenCalledWith(new Error('disk on fire'));
    expect(listener).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(300);
    expect(changes).toHaveBeenCalledTimes(2);
    expect(listener).toHaveBeenCalledOnce();
    bus.close();
  });
});
