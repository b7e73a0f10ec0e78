import { describe, expect, it, onTestFinished } from 'vitest';
import { inspectInWorker } from '../../src/glb/run.js';
import { storeError } from '../../src/jobs/collect.js';
import type { OutputFile, Route } from '../../src/jobs/model.js';
import { settle, type Settled } from '../../src/jobs/settle.js';
import { silentLog } from '../../src/log.js';
import { createFetcher } from '../../src/providers/fetch.js';
import { statusError } from '../../src/providers/fetch-errors.js';
import { openStore } from '../../src/store/index.js';
import type { Job } from '../../src/store/types.js';
import { serve } from '../providers/loopback.js';
import { errorOf } from '../providers/support.js';
import { temporaryFolder } from '../store/support/folder.js';
import { aJob } from '../store/support/rows.js';

/** What becomes of a paid model when something about its files is wrong. */

const OBJ = Buffer.from('v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n');
const done = (fields: Partial<Job> = {}): Job => aJob({ state: 'storing', result: {}, ...fields });

async function settled(job: Job, beside: OutputFile['source']): Promise<Settled> {
  const server = await serve((_request, response) => response.end(OBJ));
  const store = openStore(await temporaryFolder());
  const fetcher = createFetcher({
    allowHosts: [server.host],
    resolve: () => Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' })),
  });
  onTestFinished(async () => {
    await fetcher.close();
    await store.close();
  });
  const route: Route = {
    provider: 'fal',
    endpoint: 'pretend',
    request: (args) => args,
    prices: [],
    output: () => ({
      files: [
        { role: 'preview', name: 'preview.webp', source: beside },
        { role: 'model', name: 'model.obj', source: { url: `${server.url}/model.obj` } },
      ],
    }),
  };
  const deps = { files: store.assets, fetcher, log: silentLog, inspect: inspectInWorker };
  return settle(deps, job, route, [], new AbortController().signal);
}

describe('a file beside the model', () => {
  it.each(['http://10.0.0.1/preview.webp', 'file:///etc/passwd', 'no address at all'])(
    'at %s, which is never fetched, does not cost the model',
    async (url) => {
      const { assets, report } = await settled(done(), { url });
      expect(assets).toMatchObject([{ role: 'model', format: 'obj' }]);
      expect(report).toMatchObject({ notes: [expect.stringMatching(/^preview\.webp is missing: /)] });
    },
  );

  it('that may come at another attempt is waited for, for three of them', async () => {
    const beside = { url: 'https://not-there-now.example/preview.webp' };
    const error = await errorOf(settled(done({ storeAttempts: 2 }), beside));
    expect(error).toMatchObject({ code: 'download_failed' });
    expect(storeError(done(), error)).toMatchObject({ retryable: true });
    expect((await settled(done({ storeAttempts: 3 }), beside)).assets).toMatchObject([{ role: 'model' }]);
  });
});

describe('files that cannot be fetched', () => {
  const DAY_MS = 86_400_000;
  const again = (fields: Partial<Job>): boolean =>
    storeError(done(fields), statusError('https://cdn.example.com/model.glb', 503)).retryable;

  it('are tried for days, however often that was', () => {
    expect(again({ completedAt: Date.now() - 2 * DAY_MS, storeAttempts: 5_000 })).toBe(true);
    expect(again({ completedAt: Date.now() - 4 * DAY_MS, storeAttempts: 5_000 })).toBe(false);
  });

  it('are tried many times more when the machine was off for days', () => {
    expect(again({ completedAt: Date.now() - 9 * DAY_MS, storeAttempts: 0 })).toBe(true);
  });
});
