import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { loadConfig } from '../../src/config.js';
import { Assets } from '../../src/jobs/assets.js';
import type { Model } from '../../src/jobs/model.js';
import { Health } from '../../src/jobs/routes.js';
import { Runner } from '../../src/jobs/runner.js';
import { messageFor } from '../../src/jobs/words.js';
import { silentLog } from '../../src/log.js';
import type { Provider } from '../../src/providers/provider.js';
import { openStore, type Store } from '../../src/store/index.js';
import { storageError } from '../../src/store/trouble.js';
import type { Job, JobStore } from '../../src/store/types.js';
import { temporaryFolder } from '../store/support/folder.js';
import { aJob, anAsset } from '../store/support/rows.js';

/** A disk that fills up at the worst moments: after the money is spent, and when somebody wants to make room. */

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

const noRoom = (folder: string): unknown =>
  storageError(
    Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }),
    folder,
  );

/** A store whose disk can be filled, and what is written to it. */
async function disk() {
  const folder = await temporaryFolder();
  const store = openStore(folder);
  onTestFinished(() => store.close());
  let full = false;
  const orNoRoom = <T>(write: () => Promise<T>): Promise<T> =>
    full ? Promise.reject(noRoom(folder)) : write();
  const jobs: JobStore = new Proxy(store.jobs, {
    get(target, name) {
      if (name === 'change')
        return (...given: Parameters<JobStore['change']>) => orNoRoom(() => target.change(...given));
      if (name === 'deleteAsset') return (id: string) => orNoRoom(() => target.deleteAsset(id));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { store, jobs, fill: (is: boolean) => (full = is) };
}

/** A provider that takes the job at once, and finishes it when it is let. */
function provider(onSubmit: () => void) {
  const submits: string[] = [];
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const refuse = (): never => {
    throw new Error('not used');
  };
  const service: Provider = {
    id: 'fal',
    title: 'Pretend',
    repeatable: false,
    takesUrls: true,
    upload: refuse,
    cancel: refuse,
    submit: ({ jobId }) => {
      submits.push(jobId);
      onSubmit();
      return Promise.resolve({ request_id: 'theirs-1' });
    },
    follow: () => finished,
    result: () => Promise.resolve({ body: {} }),
  };
  return { service, submits, finish };
}

function runner(store: Store, jobs: JobStore, service: Provider): Runner {
  const made = new Runner({
    jobs,
    files: store.assets,
    bus: store.bus,
    log: silentLog,
    owner: 'this process',
    isDead: () => false,
    provider: () => service,
    model: () => Promise.resolve(model),
    health: new Health(),
    fetchImage: () => Promise.reject(new Error('not used')),
    estimateUsd: () => null,
    typicalSeconds: () => 40,
    settle: () => Promise.resolve({ assets: [], seed: undefined, report: undefined }),
  });
  onTestFinished(() => made.stop());
  return made;
}

describe('a disk that is full', () => {
  it('when a provider has taken a job keeps the handle in memory, tells of it, and writes it when there is room', async () => {
    const { store, jobs, fill } = await disk();
    const { service, submits, finish } = provider(() => fill(true));
    const { job } = await store.jobs.create(aJob({ dueAt: Date.now(), createdAt: Date.now() }), undefined);
    const seen = async (): Promise<Job> => made.withUnwritten((await store.jobs.get(job.id)) ?? job);
    const said = async (): Promise<string> => messageFor(await seen(), [], 1);
    const made = runner(store, jobs, service);
    let told = 0;
    onTestFinished(store.bus.subscribe(job.id, () => told++));
    const working = made.step(job.id);
    await expect.poll(said).toMatch(/^Queued at fal .*is full.*theirs-1.*keep it running/);
    expect((await store.jobs.get(job.id))?.state).toBe('submitting');
    await expect.poll(() => told).toBeGreaterThan(0);
    fill(false);
    finish();
    await working;
    expect(await seen()).toMatchObject({ state: 'succeeded' });
    expect(await said()).not.toContain('full');
    expect(submits).toEqual([job.id]);
  });

  it('still lets a file be deleted, which is what makes room', async () => {
    const { store, jobs, fill } = await disk();
    const asset = anAsset({ principal: 'ada' });
    await store.assets.put(asset.key, Buffer.from('glTF'));
    await store.jobs.addAsset(asset);
    const remove = store.assets.delete.bind(store.assets);
    store.assets.delete = async (key) => {
      await remove(key);
      fill(false);
    };
    fill(true);
    const assets = new Assets({ ...store, jobs }, () => loadConfig({}));
    await assets.delete('ada', asset.id);
    expect(await store.assets.has(asset.key)).toBe(false);
    expect(await store.jobs.getAsset(asset.id)).toBeUndefined();
  });
});
