import { afterEach, describe, expect, it, vi } from 'vitest';
import { cubeGlb } from './common/fixtures/glb.js';
import { startPixazoEmulator } from './pixazo.js';
import { emulator, finish, finishedModel, IMAGE, poll, post, submit } from './pixazo-support.js';

describe('a job', () => {
  it('is accepted, queued, processed and completed, as the documents show', async () => {
    const pixazo = await emulator({ startTime: Date.UTC(2026, 4, 22, 13, 17, 32, 110) });
    const answer = await post(pixazo);
    expect(answer.status).toBe(202);
    const job = pixazo.jobs.all()[0];
    expect(await answer.json()).toEqual({
      request_id: expect.stringMatching(/^pixal3d_[0-9a-f-]{36}$/),
      status: 'QUEUED',
      polling_url: `${pixazo.urls.gateway}/v2/requests/status/${job?.id}`,
    });
    const submitted = {
      request_id: job?.id ?? '',
      status: '',
      polling_url: `${pixazo.urls.gateway}/v2/requests/status/${job?.id}`,
    };
    expect((await poll(submitted)).status).toBe('QUEUED');
    pixazo.clock.advance(3000);
    expect(await poll(submitted)).toMatchObject({ status: 'PROCESSING', error: null, output: null });
    pixazo.clock.advance(108_000);
    expect(await poll(submitted)).toEqual({
      request_id: job?.id,
      status: 'COMPLETED',
      model_id: 'pixal3d',
      error: null,
      output: {
        media_url: [`${pixazo.urls.cdn}/v1/${job?.id}/output.glb`],
        media_type: 'model/glb',
      },
      created_at: '2026-05-22T13:17:32.110Z',
      updated_at: '2026-05-22 13:19:23',
      completed_at: '2026-05-22 13:19:23',
    });
  });

  it('leaves a GLB in the bucket, which asks for no key', async () => {
    const pixazo = await emulator();
    const answer = await fetch(await finishedModel(pixazo));
    expect(answer.headers.get('content-type')).toBe('model/glb');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.equals(cubeGlb({ material: 'pbr' }))).toBe(true);
    expect(pixazo.journal.entries({ role: 'cdn' })[0]?.warnings).toEqual([]);
  });

  it('is billed once', async () => {
    const pixazo = await emulator();
    await submit(pixazo);
    expect(pixazo.ledger.entries()).toMatchObject([{ state: 'accepted', usd: 0 }]);
    finish(pixazo);
    expect(pixazo.ledger.entries()).toMatchObject([{ state: 'billed', units: 1, usd: 0.5 }]);
  });

  it('takes the time that it is told, on a real clock', async () => {
    const pixazo = await emulator({ clock: 'real', jobMs: 20 });
    const job = await submit(pixazo);
    await expect
      .poll(async () => (await poll(job)).status, { interval: 5, timeout: 10_000 })
      .toBe('COMPLETED');
  });

  it('has the same id on every run', async () => {
    const ids = await Promise.all(
      [0, 1].map(
        async () => (await submit(await emulator({ seed: 'same' }), { image_url: IMAGE })).request_id,
      ),
    );
    expect(ids[0]).toBe(ids[1]);
  });
});

describe('the emulator', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('does not start in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await expect(startPixazoEmulator()).rejects.toThrow('does not start when NODE_ENV is production');
  });

  it('shows itself to other processes, and starts afresh', async () => {
    const pixazo = await emulator();
    const { request_id: id } = await submit(pixazo);
    const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const answer = await fetch(pixazo.urls.control + path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return answer.json();
    };
    expect(await ask('GET', '/urls')).toEqual(pixazo.urls);
    expect(await ask('GET', '/jobs')).toMatchObject([{ request_id: id, status: 'QUEUED' }]);
    await ask('POST', '/jobs/complete', { id });
    expect(await ask('GET', '/jobs')).toMatchObject([{ request_id: id, status: 'COMPLETED' }]);
    expect(await ask('POST', '/settings', { times: 'iso' })).toMatchObject({ times: 'iso' });
    await ask('POST', '/reset');
    expect(await ask('GET', '/jobs')).toEqual([]);
    expect([pixazo.ledger.accepted, pixazo.files.paths(), pixazo.journal.entries()]).toEqual([0, [], []]);
  });
});
