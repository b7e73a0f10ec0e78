import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import type { Model } from '../../src/jobs/model.js';
import { Health } from '../../src/jobs/routes.js';
import { Runner, type RunnerDeps } from '../../src/jobs/runner.js';
import { createLog, silentLog } from '../../src/log.js';
import { statusError } from '../../src/providers/fetch-errors.js';
import { type Provider, ProviderFailure } from '../../src/providers/provider.js';
import { openStore, type Store } from '../../src/store/index.js';
import type { Job } from '../../src/store/types.js';
import { temporaryFolder } from '../store/support/folder.js';
import { aJob } from '../store/support/rows.js';

/** Several runners, as in several processes, on one store: who works on a job, and how it changes hands. */

const model: Model = {
  tool: 'trellis',
  title: 'Pretend',
  description: 'Pretend',
  input: z.strictObject({}),
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/trellis',
      request: (args) => args,
      output: () => ({ files: [] }),
      prices: [],
    },
  ],
  licence: 'none',
  outputs: ['glb'],
};

/** A provider whose jobs run until they are let finish; it notes who asks. */
function pretendProvider() {
  const following = new Set<string>();
  const submits: string[] = [];
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const refuse = (): never => {
    throw new Error('not used');
  };
  const seenBy = (who: string): Provider => ({
    id: 'fal',
    title: 'Pretend',
    repeatable: false,
    takesUrls: true,
    upload: refuse,
    cancel: refuse,
    submit: ({ jobId }) => {
      submits.push(`${jobId} by ${who}`);
      return Promise.resolve({ id: jobId });
    },
    follow: async (_operation, { signal }) => {
      following.add(who);
      const gone = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('let go')));
      });
      try {
        await Promise.race([finished, gone]);
      } finally {
        following.delete(who);
      }
    },
    result: () => Promise.resolve({ body: {} }),
  });
  return { seenBy, following, submits, finish };
}

let store: Store;
let service: ReturnType<typeof pretendProvider>;
let dead: Set<string>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
  store = openStore(await temporaryFolder());
  service = pretendProvider();
  dead = new Set();
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});

function runner(owner: string, change: Partial<RunnerDeps> = {}): Runner {
  const made = new Runner({
    jobs: store.jobs,
    files: store.assets,
    bus: store.bus,
    log: silentLog,
    owner,
    isDead: (other) => dead.has(other),
    provider: () => service.seenBy(owner),
    model: () => Promise.resolve(model),
    health: new Health(),
    fetchImage: () => Promise.reject(new Error('not used')),
    estimateUsd: () => null,
    typicalSeconds: () => 40,
    settle: () => Promise.resolve({ assets: [], seed: undefined, report: undefined }),
    ...change,
  });
  onTestFinished(() => made.stop());
  return made;
}

async function written(fields: Partial<Job> = {}): Promise<Job> {
  const { job } = await store.jobs.create(aJob({ dueAt: Date.now(), ...fields }), undefined);
  return job;
}

const owner = async (id: string): Promise<string | undefined> => (await store.jobs.get(id))?.lease?.owner;
const state = async (id: string): Promise<string | undefined> => (await store.jobs.get(id))?.state;
const followed = (by: string[]): Promise<void> => expect.poll(() => [...service.following]).toEqual(by);

describe('a job that somebody works on', () => {
  it('is left to them by everybody else, and done once', async () => {
    const job = await written();
    const [one, two] = [runner('one'), runner('two')];
    const working = one.step(job.id);
    await followed(['one']);
    await two.step(job.id);
    expect(await owner(job.id)).toBe('one');
    expect([...service.following]).toEqual(['one']);
    service.finish();
    await working;
    await two.step(job.id);
    expect(await state(job.id)).toBe('succeeded');
    expect(service.submits).toEqual([`${job.id} by one`]);
  });

  it('is sent once, although many begin at the same moment', async () => {
    const job = await written();
    const runners = Array.from({ length: 8 }, (_, i) => runner(`runner ${i}`));
    const steps = Promise.all(runners.map((each) => each.step(job.id)));
    await expect.poll(() => service.following.size).toBe(1);
    service.finish();
    await steps;
    expect(service.submits).toHaveLength(1);
    expect(await state(job.id)).toBe('succeeded');
  });

  it('stays theirs for as long as they renew the lease', async () => {
    const job = await written();
    const [one, two] = [runner('one'), runner('two')];
    const working = one.step(job.id);
    await followed(['one']);
    for (let seconds = 0; seconds < 60; seconds += 5) {
      vi.advanceTimersByTime(5_000);
      const renewed = Date.now() + 14_000;
      await expect
        .poll(async () => (await store.jobs.get(job.id))?.lease?.until)
        .toBeGreaterThanOrEqual(renewed);
      await two.step(job.id);
      expect([...service.following]).toEqual(['one']);
    }
    service.finish();
    await working;
  });
});

describe('a job changes hands', () => {
  it('when its process stops in good order: at once, and without being sent again', async () => {
    const job = await written();
    const [one, two] = [runner('one'), runner('two')];
    const working = one.step(job.id);
    await followed(['one']);
    one.stop();
    await working;
    expect(await owner(job.id)).toBeUndefined();
    expect(await state(job.id)).toBe('submitted');
    const taken = two.step(job.id);
    await followed(['two']);
    service.finish();
    await taken;
    expect(await state(job.id)).toBe('succeeded');
    expect(service.submits).toEqual([`${job.id} by one`]);
  });

  it('when its process died while it loaded what sends it: nothing was sent, so another one sends it', async () => {
    const job = await written();
    let began = false;
    const loading = (): Promise<void> => {
      began = true;
      return new Promise(() => undefined);
    };
    const one = runner('one', { provider: () => ({ ...service.seenBy('one'), prepare: loading }) });
    void one.step(job.id);
    await expect.poll(() => began).toBe(true);
    dead.add('one');
    const working = runner('two').step(job.id);
    service.finish();
    await working;
    expect(await state(job.id)).toBe('succeeded');
    expect(service.submits).toEqual([`${job.id} by two`]);
  });

  it('when its process died: at once where that is known, else when the lease is over', async () => {
    const lease = { owner: 'crashed', until: Date.now() + 15_000 };
    const job = await written({ state: 'submitted', operation: { id: 1 }, lease });
    const two = runner('two');
    await two.step(job.id);
    expect(await owner(job.id)).toBe('crashed');
    vi.setSystemTime(Date.now() + 15_001);
    const taken = two.step(job.id);
    await followed(['two']);
    dead.add('two');
    const seen = runner('three').step(job.id);
    await followed(['two', 'three']);
    expect(await owner(job.id)).toBe('three');
    // Who was taken for dead and was not lets go when it would renew.
    vi.advanceTimersByTime(5_000);
    await followed(['three']);
    await taken;
    expect(await owner(job.id)).toBe('three');
    service.finish();
    await seen;
    expect(await state(job.id)).toBe('succeeded');
    expect(service.submits).toEqual([]);
  });
});

describe('a job whose files are gone', () => {
  it.each([
    [1, 'yes'],
    [0, 'no'],
    [undefined, 'unknown'],
  ])('and whose bill said %s is told as charged: %s', async (billedUnits, charged) => {
    const bill = billedUnits === undefined ? {} : { billedUnits };
    const job = await written({ state: 'storing', operation: {}, result: {}, ...bill });
    const gone = (): Promise<never> =>
      Promise.reject(new ProviderFailure('expired', 'It is gone.', { charged: 'unknown' }));
    const one = runner('one', {
      provider: () => ({ ...service.seenBy('one'), result: gone }),
      settle: () => Promise.reject(statusError('https://cdn.example.com/model.glb', 404)),
    });
    await one.step(job.id);
    expect(await store.jobs.get(job.id)).toMatchObject({
      state: 'failed',
      error: { code: 'result_expired', charged },
    });
  });
});

describe('the log', () => {
  function lines(): { log: RunnerDeps['log']; told: unknown[] } {
    const told: unknown[] = [];
    return { told, log: createLog('info', (line) => told.push(JSON.parse(line))) };
  }
  const who = { tool: 'trellis', provider: 'fal', principal: 'ada' };

  it('has one line for the end of a job, and one where it was begun by an earlier run', async () => {
    const old = await written({ createdAt: Date.now() });
    vi.setSystemTime(Date.now() + 2_500);
    const { log, told } = lines();
    const one = runner('one', { log });
    const young = await written({ id: 'job_00000000000000000000000009', createdAt: Date.now() });
    service.finish();
    await one.step(old.id);
    await one.step(young.id);
    await one.step(old.id);
    expect(told).toMatchObject([
      { level: 'info', message: 'a job is taken up again', job: old.id, ...who },
      { level: 'info', message: 'a job ended', job: old.id, status: 'succeeded', seconds: 2.5, ...who },
      { message: 'a job ended', job: young.id, status: 'succeeded', seconds: 0, ...who },
    ]);
  });

  it('says why a job failed by its code', async () => {
    const { id } = await written({ createdAt: Date.now() });
    const { log, told } = lines();
    const failing: Provider = {
      ...service.seenBy('one'),
      follow: () => Promise.reject(new ProviderFailure('failed', 'It did not work.', { charged: 'no' })),
    };
    await runner('one', { log, provider: () => failing }).step(id);
    expect(told).toMatchObject([
      { message: 'a job ended', status: 'failed', code: 'provider_failed', ...who },
    ]);
  });
});
