import { describe, expect, it } from 'vitest';
import { auth, emulator, finish, get, IMAGE, post, read, statusOf, submit } from './support.js';

const MULTI_VIEW = 'fal-ai/hunyuan3d/v2/multi-view';
const multiView = { front_image_url: IMAGE, back_image_url: IMAGE, left_image_url: IMAGE };

describe('the states of a job', () => {
  it('pass from queue over progress to completed, with 202 until the end', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    const queued = await get(job.status_url);
    expect(queued.status).toBe(202);
    expect(await queued.json()).toMatchObject({ status: 'IN_QUEUE', queue_position: 1 });
    fal.clock.advance(3000);
    expect(await read(job.status_url)).toMatchObject({ status: 'IN_QUEUE', queue_position: 0 });

    fal.clock.advance(1000 + 45_000);
    const running = await get(`${job.status_url}?logs=1`);
    expect(running.status).toBe(202);
    expect(await running.json()).toMatchObject({
      status: 'IN_PROGRESS',
      logs: expect.arrayContaining([
        expect.objectContaining({
          message: expect.stringContaining('Sampling texture SLat'),
          source: 'USER',
        }),
      ]),
    });
    expect(await read(job.status_url)).toMatchObject({ status: 'IN_PROGRESS', logs: null });

    const early = await get(job.response_url);
    expect(early.status).toBe(400);
    expect(await early.json()).toEqual({ detail: 'Request is still in progress' });

    fal.clock.advance(45_000);
    const done = await get(job.status_url);
    expect(done.status).toBe(200);
    expect(await done.json()).toMatchObject({ status: 'COMPLETED', metrics: { inference_time: 90 } });
  });

  it('show the latest lines of the log only', async () => {
    const fal = await emulator({ logWindow: 3 });
    const job = await submit(fal);
    finish(fal);
    const { logs } = JSON.parse(await (await get(`${job.status_url}?logs=1`)).text());
    expect(logs.map((line: { message: string }) => line.message)).toEqual([
      'Decimating mesh to 200000 vertices',
      'Baking texture at 2048x2048',
      'Exporting GLB',
    ]);
  });

  it('stream one event per change, the last one COMPLETED', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    const stream = await get(`${job.status_url}/stream`);
    finish(fal);
    const states = [...(await stream.text()).matchAll(/^data: \{"status":"(\w+)"/gm)].map(
      ([, state]) => state,
    );
    expect(states).toEqual(['IN_QUEUE', 'IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
  });

  it('wait for one of the account’s runners', async () => {
    const fal = await emulator({ concurrency: 2 });
    const jobs = [await submit(fal), await submit(fal), await submit(fal), await submit(fal)];
    fal.clock.advance(5000);
    expect(await Promise.all(jobs.map((job) => statusOf(job)))).toEqual([
      'IN_PROGRESS',
      'IN_PROGRESS',
      'IN_QUEUE',
      'IN_QUEUE',
    ]);
    expect(await read(jobs[3]?.status_url ?? '')).toMatchObject({ queue_position: 1 });
    fal.clock.advance(90_000);
    expect(await Promise.all(jobs.map((job) => statusOf(job)))).toEqual([
      'COMPLETED',
      'COMPLETED',
      'IN_PROGRESS',
      'IN_PROGRESS',
    ]);
  });

  it('end by the time to start that the client asked for', async () => {
    const fal = await emulator();
    const job = await submit(fal, undefined, undefined, { headers: { 'x-fal-request-timeout': '2' } });
    fal.clock.advance(2000);
    const result = await get(job.response_url);
    expect(result.status).toBe(504);
    expect(result.headers.get('x-fal-request-timeout-type')).toBe('user');
  });
});

describe('results', () => {
  it.each([
    ['an hour', 1, 3_600_000],
    ['six minutes when they have 10 KB', 10 * 1024, 360_000],
  ])('are kept for %s', async (_, resultBytes, life) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', queueMs: 0, runMs: 1000, resultBytes } });
    const job = await submit(fal);
    fal.clock.advance(1000 + life - 1);
    expect((await get(job.response_url)).status).toBe(200);
    fal.clock.advance(1);
    expect((await get(job.response_url)).status).toBe(404);
    expect(await statusOf(job)).toBe('COMPLETED');
  });

  it('keep their files as long as the lifecycle header says', async () => {
    const fal = await emulator();
    const lifecycle = { 'x-fal-object-lifecycle-preference': '{"expiration_duration_seconds":60}' };
    const job = await submit(fal, undefined, undefined, { headers: lifecycle });
    fal.clock.advance(94_000);
    const url = /http[^"]+/.exec(await (await get(job.response_url)).text())?.[0] ?? '';
    expect((await get(url, {})).status).toBe(200);
    fal.clock.advance(60_000);
    expect((await get(url, {})).status).toBe(404);
  });

  it.each([
    ['content-policy', 422, 'content_policy_violation'],
    ['image-load', 422, 'image_load_error'],
    ['internal-error', 500, 'internal_server_error'],
    ['runner-disconnected', 503, 'runner_disconnected'],
    ['request-timeout', 504, 'request_timeout'],
    ['html', 502, 'internal_error'],
  ] as const)('of a job that failed by %s are its stored error', async (failure, status, error_type) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', failure } });
    const job = await submit(fal);
    finish(fal);
    expect(await read(job.status_url)).toMatchObject({
      status: 'COMPLETED',
      error: expect.any(String),
      error_type,
    });
    const result = await get(job.response_url);
    expect(result.status).toBe(status);
    expect(result.headers.get('x-fal-billable-units')).toBe('0');
    expect(fal.ledger.entries()).toMatchObject([{ state: 'free' }]);
  });

  it('of a 422 after GPU work may be billed', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'billed-422' } });
    const job = await submit(fal);
    finish(fal);
    const result = await get(job.response_url);
    expect([result.status, result.headers.get('x-fal-billable-units')]).toEqual([422, '1.4']);
    expect(fal.ledger.usd).toBe(0.42);
  });
});

describe('cancelling', () => {
  const put = (url: string): Promise<Response> => fetch(url, { method: 'PUT', headers: auth });
  const outcome = async (response: Response): Promise<unknown> => [response.status, await response.json()];

  it('removes a job that waits, uncharged', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    expect(await outcome(await put(job.cancel_url))).toEqual([200, { status: 'OK' }]);
    expect(await statusOf(job)).toBe('COMPLETED');
    expect((await get(job.response_url)).status).toBe(499);
    expect(await outcome(await put(job.cancel_url))).toEqual([400, { status: 'ALREADY_COMPLETED' }]);
    expect(fal.ledger.usd).toBe(0);
  });

  it('asks a job that runs to stop, and it is charged', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', cancelMs: 2000 } });
    const job = await submit(fal);
    fal.clock.advance(10_000);
    expect(await outcome(await put(job.cancel_url))).toEqual([202, { status: 'CANCELLATION_REQUESTED' }]);
    expect(await statusOf(job)).toBe('IN_PROGRESS');
    fal.clock.advance(2000);
    expect(await read(job.status_url)).toMatchObject({ status: 'COMPLETED', error_type: 'client_cancelled' });
    expect((await get(job.response_url)).status).toBe(499);
    expect(fal.ledger.usd).toBe(0.42);
  });

  it('may be ignored by the app', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', ignoreCancel: true } });
    const job = await submit(fal);
    fal.clock.advance(10_000);
    expect((await put(job.cancel_url)).status).toBe(202);
    finish(fal);
    expect((await get(job.response_url)).status).toBe(200);
    expect(fal.ledger.usd).toBe(0.42);
  });

  it('knows no job of another id', async () => {
    const fal = await emulator();
    const unknown = await put(`${fal.urls.queue}/fal-ai/pixal3d/requests/none/cancel`);
    expect(await outcome(unknown)).toEqual([404, { status: 'NOT_FOUND' }]);
  });

  it('can answer as the older documents say', async () => {
    const fal = await emulator({ cancelReply: 'success' });
    const job = await submit(fal);
    expect(await outcome(await put(job.cancel_url))).toEqual([200, { success: true }]);
    expect(await outcome(await put(job.cancel_url))).toEqual([200, { success: false }]);
  });
});

describe('paths', () => {
  it.each([
    ['alias', 'fal-ai/hunyuan3d/requests/ID', ''],
    ['nested', 'fal-ai/hunyuan3d/v2/multi-view/requests/ID', ''],
    ['response-suffix', 'fal-ai/hunyuan3d/requests/ID', '/response'],
  ] as const)(
    'in mode %s are returned as such, and strictly served only so',
    async (urlMode, base, suffix) => {
      const fal = await emulator({ urlMode, strictUrls: true });
      const job = await submit(fal, MULTI_VIEW, multiView);
      finish(fal);
      const expected = `${fal.urls.queue}/${base.replace('ID', job.request_id)}`;
      expect(job).toMatchObject({
        status_url: `${expected}/status`,
        response_url: expected + suffix,
        cancel_url: `${expected}/cancel`,
      });
      expect((await get(job.status_url)).status).toBe(200);
      expect((await get(job.response_url)).status).toBe(200);
      const built =
        urlMode === 'nested'
          ? `${fal.urls.queue}/fal-ai/hunyuan3d/requests/${job.request_id}`
          : urlMode === 'alias'
            ? `${fal.urls.queue}/${MULTI_VIEW}/requests/${job.request_id}`
            : expected;
      const refused = await get(built);
      expect(refused.status).toBe(404);
      expect(await refused.json()).toEqual({ detail: `Path ${new URL(built).pathname} not found` });
    },
  );

  it('are served in all forms when not strict', async () => {
    const fal = await emulator({ urlMode: 'nested' });
    const job = await submit(fal, MULTI_VIEW, multiView);
    for (const base of ['fal-ai/hunyuan3d', MULTI_VIEW]) {
      expect((await get(`${fal.urls.queue}/${base}/requests/${job.request_id}/status`)).status).toBe(202);
    }
    expect((await get(`${fal.urls.queue}/fal-ai/trellis/requests/${job.request_id}/status`)).status).toBe(
      404,
    );
  });

  it('of unknown and delisted endpoints are not found', async () => {
    const fal = await emulator({ delisted: ['fal-ai/hunyuan3d-v21'] });
    for (const [id, detail] of [
      ['fal-ai/hunyuan3d/v9', 'Path /v9 not found'],
      ['fal-ai/hunyuan3d-v21', 'Path / not found'],
    ]) {
      const refused = await post(fal, id, { input_image_url: IMAGE });
      expect([refused.status, await refused.json()]).toEqual([404, { detail }]);
    }
    expect(fal.ledger.accepted).toBe(0);
  });
});

describe('keys', () => {
  it.each([
    [undefined, 401, /header format/],
    ['Bearer abc', 401, /header format/],
    ['Key wrong:key', 401, /^No user found for Key ID and Secret$/],
  ])('refuse %s with %d', async (authorization, status, detail) => {
    const fal = await emulator();
    const refused = await fetch(`${fal.urls.queue}/fal-ai/pixal3d`, {
      method: 'POST',
      headers: authorization === undefined ? {} : { authorization },
      body: JSON.stringify({ image_url: IMAGE }),
    });
    expect([refused.status, await refused.json()]).toEqual([
      status,
      { detail: expect.stringMatching(detail) },
    ]);
  });

  it('refuse more waiting jobs than the caller allows', async () => {
    const fal = await emulator({ concurrency: 1 });
    await submit(fal);
    const refused = await post(fal, undefined, undefined, { query: '?fal_max_queue_length=1' });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-fal-needs-retry')).toBe('1');
    expect(await refused.json()).toMatchObject({ error_type: 'concurrent_requests_limit' });
  });
});
