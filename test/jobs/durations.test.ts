import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { Durations } from '../../src/jobs/durations.js';
import type { Model } from '../../src/jobs/model.js';
import { openStore, type Store } from '../../src/store/index.js';
import { temporaryFolder } from '../store/support/folder.js';
import { aJob } from '../store/support/rows.js';

/** How long jobs take, from those in a data folder. */

const route = { request: () => ({}), output: () => ({ files: [] }), prices: [] };
const model = (typicalSeconds?: number): Model => ({
  tool: 'pretend',
  title: 'Pretend',
  description: 'Pretend',
  input: z.strictObject({}),
  routes: [
    { ...route, provider: 'fal', endpoint: 'fal-ai/pretend' },
    { ...route, provider: 'pixazo', endpoint: 'pretend' },
  ],
  licence: 'none',
  outputs: ['glb'],
  ...(typicalSeconds === undefined ? {} : { typicalSeconds }),
});

let store: Store;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  store = openStore(await temporaryFolder());
  // Open from here on: what is asked for at once is not waited for as long as that takes.
  await store.jobs.nextDue();
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});

/** A job that waited in the queue before it ran for these seconds. */
async function ran(endpoint: string, seconds: number): Promise<void> {
  const startedAt = Date.now();
  const runningSince = startedAt + 100_000;
  const finishedAt = runningSince + 1000 * seconds;
  const times = { createdAt: startedAt, startedAt, runningSince, finishedAt };
  await store.jobs.create(aJob({ state: 'succeeded', model: endpoint, ...times }), undefined);
}

it('is what the model declares before any job was seen, or unknown', async () => {
  const durations = new Durations(store.jobs);
  expect(await durations.ofModel(model(30))).toBe(30);
  expect(durations.ofEndpoint('fal-ai/pretend')).toBe(30);
  expect(await new Durations(store.jobs).ofModel(model())).toBeUndefined();
});

it('is the median of the jobs here, without their time in the queue', async () => {
  for (const seconds of [41, 40, 900, 38, 42.04]) await ran('fal-ai/pretend', seconds);
  const durations = new Durations(store.jobs);
  expect(await durations.ofModel(model(30))).toBe(41);
  expect(durations.ofEndpoint('fal-ai/pretend')).toBe(41);
  expect(durations.ofEndpoint('pretend')).toBe(30);
});

it('is that of another provider where only that one was used', async () => {
  await ran('pretend', 70);
  expect(await new Durations(store.jobs).ofModel(model(30))).toBe(70);
});

it('follows the latest jobs', async () => {
  const durations = new Durations(store.jobs);
  await ran('fal-ai/pretend', 10);
  expect(await durations.ofModel(model())).toBe(10);
  for (let i = 0; i < 15; i++) {
    vi.setSystemTime(Date.now() + 10_000);
    await ran('fal-ai/pretend', 50);
  }
  expect(await durations.ofModel(model())).toBe(50);
});
