import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.js';
import { LazyProvider } from '../../src/providers/lazy.js';
import type { ProviderContext, ProviderSession } from '../../src/providers/provider.js';
import { errorOf } from './support.js';

/** A provider whose code cannot be loaded, as in the middle of an update or without file handles. */

const refuse = (): never => {
  throw new Error('not used');
};
const session: ProviderSession = {
  upload: refuse,
  submit: ({ jobId }) => Promise.resolve({ id: jobId }),
  follow: refuse,
  result: refuse,
  cancel: refuse,
  checkKey: refuse,
};
const context: ProviderContext = {
  signal: new AbortController().signal,
  log: silentLog,
  readInput: refuse,
};

class Pretend extends LazyProvider {
  readonly id = 'fal';
  readonly title = 'Pretend';
  readonly takesUrls = true;

  constructor(failures: number) {
    let loads = 0;
    super('a:key', async () => {
      if (loads++ < failures) throw new Error('EMFILE: too many open files');
      return session;
    });
  }
}

describe('a provider that cannot be loaded', () => {
  const request = { jobId: 'job_1', model: 'm', body: {} };

  it('has certainly bought nothing, is tried again soon, and is loaded then', async () => {
    const provider = new Pretend(1);
    const error = await errorOf(provider.submit(request, context));
    expect(error).toMatchObject({ name: 'SubmitError', outcome: 'refused' });
    expect(error).toMatchObject({ message: expect.stringMatching(/EMFILE.*Nothing was sent/) });
    expect(error).toHaveProperty('retryAfterMs', expect.any(Number));
    expect(await provider.submit(request, context)).toEqual({ id: 'job_1' });
  });

  it('says so before an attempt is claimed', async () => {
    const provider = new Pretend(1);
    expect(await errorOf(provider.prepare())).toMatchObject({ name: 'SubmitError', outcome: 'refused' });
    await provider.prepare();
  });
});
