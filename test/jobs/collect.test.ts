import { describe, expect, it, vi } from 'vitest';
import type { Json } from '../../src/json.js';
import { collect } from '../../src/jobs/collect.js';
import type { Route } from '../../src/jobs/model.js';
import type { Settled } from '../../src/jobs/settle.js';
import { silentLog } from '../../src/log.js';
import { statusError } from '../../src/providers/fetch-errors.js';
import { type Provider, type ProviderContext, ProviderFailure } from '../../src/providers/provider.js';
import type { Job } from '../../src/store/types.js';
import { errorOf } from '../providers/support.js';
import { aJob } from '../store/support/rows.js';

const STALE = { files: ['https://cdn.example.com/model.glb?signature=old'] };
const FRESH = { files: ['https://cdn.example.com/model.glb?signature=new'] };
const settled: Settled = { assets: [], seed: 7, report: undefined };
const route: Route = {
  provider: 'scenario',
  endpoint: 'model_pretend',
  request: (args) => args,
  output: () => ({ files: [] }),
  prices: [],
};

const done = (fields: Partial<Job> = {}): Job =>
  aJob({ provider: 'scenario', state: 'storing', operation: { id: 1 }, result: STALE, ...fields });
const context = (signal = new AbortController().signal): ProviderContext => ({
  signal,
  log: silentLog,
  readInput: () => Promise.reject(new Error('not used')),
});

/** A provider whose results come one after the other, the last one again and again. */
function providerWith(...results: (Json | Error)[]): Provider & { reads: number } {
  const refuse = (): never => {
    throw new Error('not used');
  };
  return {
    id: 'scenario',
    title: 'Scenario',
    repeatable: false,
    takesUrls: false,
    reads: 0,
    upload: refuse,
    submit: refuse,
    follow: refuse,
    cancel: refuse,
    async result() {
      const next = results[Math.min(this.reads++, results.length - 1)] ?? null;
      if (next instanceof Error) throw next;
      return { body: next };
    },
  };
}

/** Settling that is denied with a status while the links are old, and for as long as `always` says. */
function settling(status: number, always = false) {
  return vi.fn(async (job: Job): Promise<Settled> => {
    if (always || job.result === STALE) throw statusError('https://cdn.example.com/model.glb?s=x', status);
    return settled;
  });
}

describe('the files of a finished job', () => {
  it('are fetched without reading the result again', async () => {
    const provider = providerWith(FRESH);
    const settle = vi.fn(async () => settled);
    expect(await collect(settle, done(), route, provider, context())).toBe(settled);
    expect(provider.reads).toBe(0);
  });

  it.each([401, 403, 404, 410])('are fetched by fresh links when one is denied with %i', async (status) => {
    const provider = providerWith(FRESH);
    const settle = settling(status);
    expect(await collect(settle, done(), route, provider, context())).toBe(settled);
    expect(provider.reads).toBe(1);
    expect(settle.mock.calls.map(([job]) => job.result)).toEqual([STALE, FRESH]);
  });

  it('are tried again later when fresh links are denied too, and the result is read only once', async () => {
    const provider = providerWith(FRESH);
    const error = await errorOf(collect(settling(404, true), done(), route, provider, context()));
    expect(error).toMatchObject({ code: 'download_failed' });
    expect(provider.reads).toBe(1);
  });

  it.each([500, 429])('are left for later, without reading the result again, after a %i', async (status) => {
    const provider = providerWith(FRESH);
    const error = await errorOf(collect(settling(status), done(), route, provider, context()));
    expect(error).toMatchObject({ code: 'download_failed', retryable: true });
    expect(provider.reads).toBe(0);
  });

  it('are gone when neither they nor the result are there', async () => {
    const provider = providerWith(new ProviderFailure('expired', 'gone', { charged: 'unknown' }));
    const error = await errorOf(collect(settling(404), done(), route, provider, context()));
    expect(error).toMatchObject({ name: 'ProviderFailure', kind: 'expired' });
  });

  it('are not given up because of a 403, which a proxy may have said', async () => {
    const provider = providerWith(new ProviderFailure('expired', 'gone', { charged: 'unknown' }));
    const error = await errorOf(collect(settling(403), done(), route, provider, context()));
    expect(error).toMatchObject({ code: 'download_failed' });
  });

  it('are given up in the end when fresh links lead nowhere for long', async () => {
    const provider = providerWith(FRESH);
    const late = done({ storeAttempts: 8, startedAt: Date.now() - 3_600_000 });
    const error = await errorOf(collect(settling(404, true), late, route, provider, context()));
    expect(error).toMatchObject({ name: 'ProviderFailure', kind: 'expired', charged: 'unknown' });
    const young = done({ storeAttempts: 8, startedAt: Date.now() });
    expect(await errorOf(collect(settling(404, true), young, route, provider, context()))).toMatchObject({
      code: 'download_failed',
    });
  });
});
