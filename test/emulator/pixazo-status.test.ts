import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { PixazoEmulator, PixazoOptions } from './pixazo.js';
import type { PixazoAction } from './pixazo/plan.js';
import { emulator, finish, finishedModel, headers, key, poll, post, submit } from './pixazo-support.js';

type JobAction = Extract<PixazoAction, { type: 'job' }>;

/** The last status of a job that ran under `plan`. */
async function finalStatus(
  plan: Omit<JobAction, 'type'>,
  options: PixazoOptions = {},
): Promise<{ pixazo: PixazoEmulator; status: Awaited<ReturnType<typeof poll>> }> {
  const pixazo = await emulator(options);
  pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
  const job = await submit(pixazo);
  finish(pixazo);
  return { pixazo, status: await poll(job) };
}

describe('a submit reply', () => {
  it('may come with 200', async () => {
    expect((await post(await emulator({ acceptedStatus: 200 }))).status).toBe(200);
  });

  it.each([
    ['foreign-host', /^http:\/\/127\.0\.0\.1:\d+\/v2\/requests\/status\/pixal3d_/],
    ['http', /^http:\/\/gateway\.pixazo\.ai\/v2\/requests\/status\/pixal3d_/],
    ['https://gateway.pixazo.ai@evil.example/{id}', /^https:\/\/gateway\.pixazo\.ai@evil\.example\/pixal3d_/],
  ])('has a polling_url of the kind %s', async (pollingUrl, expected) => {
    const pixazo = await emulator({ pollingUrl });
    const { polling_url: url } = await submit(pixazo);
    expect(url).toMatch(expected);
    expect(url.startsWith(pixazo.urls.gateway)).toBe(false);
  });

  it('has no polling_url', async () => {
    const answer = await post(await emulator({ pollingUrl: 'missing' }));
    expect(await answer.json()).toEqual({ request_id: expect.any(String), status: 'QUEUED' });
  });

  it('names the public hosts', async () => {
    const { polling_url: url } = await submit(await emulator({ hosts: 'public' }));
    expect(url).toMatch(/^https:\/\/gateway\.pixazo\.ai\/v2\//);
  });
});

describe('a status', () => {
  it('is that of a stranger in the first seconds', async () => {
    const pixazo = await emulator({ unknownMs: 5000 });
    const job = await submit(pixazo);
    expect((await fetch(job.polling_url, { headers: key })).status).toBe(404);
    pixazo.clock.advance(5000);
    expect((await poll(job)).status).toBe('PROCESSING');
  });

  it('is written in lower case', async () => {
    expect((await finalStatus({}, { statusStyle: 'lower-case' })).status).toMatchObject({
      status: 'completed',
      output: { media_type: 'model/glb' },
    });
  });

  it('follows the other official shape, under the other path too', async () => {
    const pixazo = await emulator({ statusStyle: 'skills' });
    pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', doneWord: 'succeeded' } });
    const reply = z
      .strictObject({ task_id: z.string(), status: z.literal('queued'), polling_url: z.string() })
      .parse(await (await post(pixazo)).json());
    expect(reply.polling_url).toBe(`${pixazo.urls.gateway}/pixal3d/v1/result/${reply.task_id}`);
    finish(pixazo);
    for (const path of [`/pixal3d/v1/result/${reply.task_id}`, `/v2/requests/status/${reply.task_id}`]) {
      const answer = await fetch(pixazo.urls.gateway + path, { headers: key });
      expect(await answer.json()).toEqual({
        task_id: reply.task_id,
        status: 'succeeded',
        output_url: `${pixazo.urls.cdn}/v1/${reply.task_id}/output.glb`,
      });
    }
  });

  it.each([
    ['array', [expect.stringContaining('/output.glb')]],
    ['string', expect.stringContaining('/output.glb')],
    ['empty-array', []],
    ['null', null],
  ] as const)('has media_url as %s', async (mediaUrl, expected) => {
    expect((await finalStatus({ mediaUrl })).status.output?.media_url).toEqual(expected);
  });

  it('lists hostile addresses before the model', async () => {
    const { status } = await finalStatus({ extraUrls: ['http://169.254.169.254/latest'] });
    expect(status.output?.media_url).toEqual(['http://169.254.169.254/latest', expect.any(String)]);
  });

  const start = Date.UTC(2026, 0, 1, 0, 0, 0, 250);
  it.each([
    ['iso', ['2026-01-01T00:00:00.250Z', '2026-01-01T00:01:51.250Z']],
    ['plain', ['2026-01-01 00:00:00', '2026-01-01 00:01:51']],
    ['mixed', ['2026-01-01T00:00:00.250Z', '2026-01-01 00:01:51']],
    ['missing', [undefined, undefined]],
  ] as const)('tells times as %s', async (times, expected) => {
    const { status } = await finalStatus({ times }, { startTime: start });
    expect([status['created_at'], status['completed_at']]).toEqual(expected);
  });

  it('shows unknown words and goes backwards', async () => {
    const words = ['PROCESSING', 'QUEUED', 'WARMING_UP'];
    const pixazo = await emulator();
    const timeline = words.map((status, i) => ({ afterMs: i * 1000, status }));
    pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', queueMs: 0, runMs: 3000, timeline } });
    const job = await submit(pixazo);
    const seen: string[] = [];
    for (let i = 0; i < 4; i++) {
      seen.push((await poll(job)).status);
      pixazo.clock.advance(1000);
    }
    expect(seen).toEqual([...words, 'COMPLETED']);
  });

  it.each([
    [{ queueMs: 'never' }, 'QUEUED'],
    [{ runMs: 'never' }, 'PROCESSING'],
  ] as const)('with %j is %s for good', async (plan, expected) => {
    expect((await finalStatus(plan)).status.status).toBe(expected);
  });

  it('lacks fields', async () => {
    expect((await finalStatus({ omit: ['model_id', 'output'] })).status).not.toHaveProperty('output');
  });
});

describe('a job that fails', () => {
  it.each([
    ['failed', {}, 'FAILED', { state: 'billed', units: 1, usd: 0.5 }],
    ['failed', { billFailed: false }, 'FAILED', { state: 'free', units: 0, usd: 0 }],
    ['error', {}, 'ERROR', { state: 'free', units: 0, usd: 0 }],
  ] as const)('as %s with %j is %s and %j', async (failure, options, word, entry) => {
    const { pixazo, status } = await finalStatus({ failure }, options);
    expect(status).toEqual({
      request_id: expect.any(String),
      status: word,
      model_id: 'pixal3d',
      error: expect.any(String),
      output: null,
    });
    expect(pixazo.ledger.entries()).toMatchObject([entry]);
  });

  it('may say when', async () => {
    const { status } = await finalStatus({ failure: 'failed' }, { failureTimes: true });
    expect(status).toHaveProperty('completed_at', expect.any(String));
  });

  it('fails early, with any error at all', async () => {
    const pixazo = await emulator();
    const failure = { status: 'ERROR', error: { code: 7 }, billed: true } as const;
    pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', failure, failAt: 0.1 } });
    const job = await submit(pixazo);
    pixazo.clock.advance(3000 + 10_800);
    expect(await poll(job)).toMatchObject({ status: 'ERROR', error: { code: 7 } });
    expect(pixazo.ledger.entries()).toMatchObject([{ state: 'billed' }]);
  });
});

describe('a redirect of the status call', () => {
  it.each(['mirror', 'private'] as const)('to %s sees the key only of clients that follow', async (to) => {
    const pixazo = await emulator();
    const job = await submit(pixazo);
    pixazo.fault({
      match: { op: 'status', role: 'gateway' },
      times: 'always',
      action: { type: 'redirect', to },
    });
    const answer = await fetch(job.polling_url, { headers: key, redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([
      302,
      job.polling_url.replace(pixazo.urls.gateway, pixazo.urls[to]),
    ]);
    expect(pixazo.journal.count(to)).toBe(0);
    // Node keeps all but the Authorization header: the trap that this fault is for.
    await fetch(job.polling_url, { headers: key });
    expect(pixazo.journal.entries({ role: to })).toMatchObject([
      { headers: key, warnings: ['credentials sent to another origin'] },
    ]);
  });
});

describe('a download', () => {
  it.each([
    [{ type: 'swap', content: 'fbx' }, 200, 'Kaydara'],
    [{ type: 'swap', content: 'html' }, 200, '<!DOCTYPE'],
    [{ type: 'respond', status: 403, text: '<Error/>' }, 403, '<Error/>'],
  ] as const)('under %j is answered %d with %s', async (action, status, text) => {
    const pixazo = await emulator();
    pixazo.fault({ match: { op: 'download' }, action });
    const answer = await fetch(await finishedModel(pixazo));
    expect([answer.status, (await answer.text()).startsWith(text)]).toEqual([status, true]);
  });

  it('is redirected to the same file of another origin', async () => {
    const pixazo = await emulator();
    const url = await finishedModel(pixazo);
    pixazo.fault({ match: { op: 'download', role: 'cdn' }, action: { type: 'redirect', to: 'mirror' } });
    const answer = await fetch(url);
    expect([answer.status, new URL(answer.url).origin]).toEqual([200, pixazo.urls.mirror]);
  });

  it('comes too late', async () => {
    const pixazo = await emulator();
    pixazo.fault({
      match: { op: 'submit' },
      action: { type: 'job', fileLifeMs: 1000, runMs: 0, queueMs: 0 },
    });
    const url = await finishedModel(pixazo);
    expect((await fetch(url)).status).toBe(404);
  });

  it('has the content and size that a job is told to make', async () => {
    const { pixazo } = await finalStatus({
      content: 'glb-white',
      modelBytes: 100_000,
      mediaType: 'image/png',
    });
    expect(pixazo.files.get(pixazo.files.paths()[0] ?? '')?.bytes.length).toBe(100_000);
  });

  it('notes a key', async () => {
    const pixazo = await emulator();
    await fetch(await finishedModel(pixazo), { headers });
    expect(pixazo.journal.entries({ role: 'cdn' })[0]?.warnings).toEqual([
      'credentials sent to another origin',
    ]);
  });
});
