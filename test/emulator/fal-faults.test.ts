import { describe, expect, it } from 'vitest';
import type { FalEmulator } from './fal.js';
import type { FalAction } from './fal/plan.js';
import { auth, emulator, finish, get, IMAGE, post, rawGet, statusOf, submit } from './support.js';

/** Submits against one fault. */
async function submitWith(action: FalAction): Promise<{ fal: FalEmulator; response: Promise<Response> }> {
  const fal = await emulator();
  fal.fault({ match: { op: 'submit' }, action });
  return { fal, response: post(fal) };
}

describe('where and when a fault hits', () => {
  it('is the nth matching request, so often', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    const placed = fal.fault({
      match: { op: 'status', endpoint: 'fal-ai/pixal3d' },
      nth: 2,
      times: 2,
      action: { type: 'server', status: 500 },
    });
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) seen.push((await get(job.status_url)).status);
    expect(seen).toEqual([202, 500, 500, 202]);
    expect([placed.calls, placed.hits]).toEqual([4, 2]);
    expect(fal.journal.entries({ op: 'status' }).map((entry) => entry.faults)).toEqual([
      [],
      ['server'],
      ['server'],
      [],
    ]);
  });

  it('can be told by request id and by path', async () => {
    const fal = await emulator();
    const [one, two] = [await submit(fal), await submit(fal)];
    fal.fault({
      match: { requestId: two.request_id },
      times: 'always',
      action: { type: 'server', status: 503 },
    });
    fal.fault({
      match: { path: '*/status', requestId: one.request_id },
      action: { type: 'server', status: 502 },
    });
    expect((await get(one.status_url)).status).toBe(502);
    expect((await get(one.status_url)).status).toBe(202);
    expect((await get(two.status_url)).status).toBe(503);
  });

  it('ends when it is removed', async () => {
    const fal = await emulator();
    const placed = fal.fault({ match: {}, times: 'always', action: { type: 'server', status: 503 } });
    expect((await post(fal)).status).toBe(503);
    placed.remove();
    expect((await post(fal)).status).toBe(200);
  });
});

describe('throttling', () => {
  it.each([
    [{ retryAfter: 7 }, /^7$/],
    [{ retryAfter: 'date', seconds: 30 }, / GMT$/],
    [{ retryAfter: 'huge' }, /^\d{9}$/],
    [{}, undefined],
  ])('answers 429 with %j', async (options, retryAfter) => {
    const { fal, response } = await submitWith({ type: 'throttle', ...options });
    const { status, headers } = await response;
    expect(status).toBe(429);
    const sent = headers.get('retry-after');
    if (retryAfter) expect(sent).toMatch(retryAfter);
    else expect(sent).toBeNull();
    expect(fal.ledger.accepted).toBe(0);
  });
});

describe('server errors', () => {
  it.each([
    ['json', /"error_type":"request_timeout"/, 'application/json'],
    ['html', /^<html>/, 'text/html'],
    ['empty', /^$/, null],
    ['invalid-json', /^\{"detail": "cut o$/, 'application/json'],
    ['wrong-type', /"error_type"/, 'text/plain'],
  ] as const)('come with a body of %s', async (body, text, contentType) => {
    const { response } = await submitWith({ type: 'server', status: 504, body });
    const answer = await response;
    expect(answer.status).toBe(504);
    expect(answer.headers.get('content-type')).toBe(contentType);
    expect(await answer.text()).toMatch(text);
  });

  it('can be any reply at all', async () => {
    const { response } = await submitWith({ type: 'respond', status: 402, json: { detail: 'pay' } });
    const answer = await response;
    expect([answer.status, await answer.json()]).toEqual([402, { detail: 'pay' }]);
  });
});

describe('keys', () => {
  it.each([
    ['unknown-key', 401, 'No user found for Key ID and Secret'],
    ['locked', 403, 'User is locked. Reason: TOP_UP.'],
  ] as const)('are refused as %s', async (kind, status, detail) => {
    const { response } = await submitWith({ type: 'auth', kind, reason: 'TOP_UP' });
    const answer = await response;
    expect([answer.status, await answer.json()]).toEqual([status, { detail }]);
  });

  it('are locked in the middle of polling and heal', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    fal.fault({ match: { op: 'status' }, nth: 2, action: { type: 'auth', kind: 'locked' } });
    const seen = [];
    for (let i = 0; i < 3; i++) seen.push((await get(job.status_url)).status);
    expect(seen).toEqual([202, 403, 202]);
  });
});

describe('sockets', () => {
  it('are reset before the job is accepted', async () => {
    const { fal, response } = await submitWith({ type: 'reset' });
    await expect(response).rejects.toThrow('fetch failed');
    expect(fal.ledger.accepted).toBe(0);
    expect(fal.journal.entries()).toMatchObject([{ op: 'submit', outcome: 'cut' }]);
  });

  it('are reset after the job was accepted', async () => {
    const { fal, response } = await submitWith({ type: 'reset', accept: true });
    await expect(response).rejects.toThrow('fetch failed');
    expect(fal.ledger.accepted).toBe(1);
  });

  it('refuse connections until the role is up again', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    await fal.down('queue');
    expect(await rawGet(job.status_url)).toMatchObject({ code: 'ECONNREFUSED' });
    await fal.up('queue');
    expect((await get(job.status_url)).status).toBe(202);
  });

  it('refuse connections after a request that was reset', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    fal.fault({ match: { op: 'status' }, action: { type: 'refuse' } });
    await expect(get(job.status_url)).rejects.toThrow('fetch failed');
    expect(await rawGet(job.status_url)).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('stall before the headers, the job accepted', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'stall', at: 'headers' } });
    const abort = new AbortController();
    const stalled = fetch(`${fal.urls.queue}/fal-ai/pixal3d`, {
      method: 'POST',
      headers: auth,
      body: JSON.stringify({ image_url: IMAGE }),
      signal: abort.signal,
    });
    await expect.poll(() => fal.ledger.accepted, { interval: 5, timeout: 10_000 }).toBe(1);
    abort.abort();
    await expect(stalled).rejects.toMatchObject({ name: 'AbortError' });
    await expect
      .poll(() => fal.journal.entries()[0]?.outcome, { interval: 5, timeout: 10_000 })
      .toBe('client-gone');
  });

  it('stall for a time in the middle of the body, then go on', async () => {
    const { response } = await submitWith({ type: 'stall', at: 'body', ms: 30 });
    expect(await (await response).json()).toMatchObject({ status: 'IN_QUEUE' });
  });

  it('drip and delay, and bring the whole reply', async () => {
    const fal = await emulator();
    const job = await submit(fal);
    fal.fault({ match: { op: 'status' }, action: { type: 'drip', bytes: 100, everyMs: 1 } });
    fal.fault({ match: { op: 'status' }, nth: 2, action: { type: 'delay', ms: 5 } });
    expect(await statusOf(job)).toBe('IN_QUEUE');
    expect(await statusOf(job)).toBe('IN_QUEUE');
  });
});

describe('jobs', () => {
  const forGood: [plan: Omit<Extract<FalAction, { type: 'job' }>, 'type'>, status: string][] = [
    [{ queueMs: 'never' }, 'IN_QUEUE'],
    [{ runMs: 'never' }, 'IN_PROGRESS'],
    [{ timeline: [{ afterMs: 0, status: 'WARMING_UP' }] }, 'COMPLETED'],
  ];
  it.each(forGood)('with %j are %s ten minutes later', async (plan, status) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
    const job = await submit(fal);
    finish(fal);
    expect(await statusOf(job)).toBe(status);
  });

  it('report unknown states and go backwards', async () => {
    const fal = await emulator();
    const timeline = ['IN_QUEUE', 'IN_PROGRESS', 'IN_QUEUE', 'PREEMPTED'].map((status, i) => ({
      afterMs: i * 1000,
      status,
    }));
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', queueMs: 0, runMs: 4000, timeline } });
    const job = await submit(fal);
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      seen.push(await statusOf(job));
      fal.clock.advance(1000);
    }
    expect(seen).toEqual(['IN_QUEUE', 'IN_PROGRESS', 'IN_QUEUE', 'PREEMPTED', 'COMPLETED']);
  });

  it('leave fields out, and name foreign hosts', async () => {
    const fal = await emulator();
    const omit = ['status_url', 'cancel_url', 'queue_position', 'request_id'];
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', omit, urlOrigin: 'https://evil.example' } });
    expect(await (await post(fal)).json()).toEqual({
      status: 'IN_QUEUE',
      response_url: expect.stringContaining('https://evil.example/fal-ai/pixal3d/requests/'),
      gateway_request_id: expect.any(String),
    });
  });

  it.each([
    ['null', /"logs":null/],
    ['long', /"message":"499 (long line ){200}"/],
    [['one', 'two'], /"message":"one".*"message":"two"/],
  ] as const)('log %j', async (logs, text) => {
    const fal = await emulator();
    fal.fault({
      match: { op: 'submit' },
      action: { type: 'job', logs: typeof logs === 'string' ? logs : [...logs] },
    });
    const job = await submit(fal);
    finish(fal);
    expect(await (await get(`${job.status_url}?logs=1`)).text()).toMatch(text);
  });
});

describe('status streams', () => {
  const streamOf = async (action: FalAction): Promise<{ fal: FalEmulator; stream: Response }> => {
    const fal = await emulator();
    const job = await submit(fal);
    fal.fault({ match: { op: 'stream' }, action });
    return { fal, stream: await get(`${job.status_url}/stream?logs=1`) };
  };

  it('end cleanly before the job does', async () => {
    const { stream } = await streamOf({ type: 'stream', afterEvents: 1, how: 'end' });
    expect((await stream.text()).match(/IN_QUEUE|COMPLETED/g)).toEqual(['IN_QUEUE']);
  });

  it('break off within an event', async () => {
    const { fal, stream } = await streamOf({ type: 'stream', afterEvents: 2, how: 'cut' });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    finish(fal);
    let text = '';
    const broken = (async () => {
      for (;;) {
        const part = await reader?.read();
        if (!part || part.done) return;
        text += part.value;
      }
    })();
    await expect(broken).rejects.toThrow('terminated');
    expect(text.split('\n\n')).toHaveLength(3);
    expect(text.endsWith('\n\n')).toBe(false);
  });

  it('fall silent', async () => {
    const { fal, stream } = await streamOf({ type: 'stream', afterEvents: 1, how: 'silence' });
    const reader = stream.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('IN_QUEUE');
    finish(fal);
    const silence = new Promise((resolve) => setTimeout(() => resolve('silence'), 50));
    expect(await Promise.race([reader?.read(), silence])).toBe('silence');
  });

  it('may not exist at all', async () => {
    const fal = await emulator({ streaming: false });
    const job = await submit(fal);
    expect((await get(`${job.status_url}/stream`)).status).toBe(404);
  });
});
