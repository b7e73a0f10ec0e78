import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { FalEmulator } from './fal.js';
import type { FalAction } from './fal/plan.js';
import { corruptGlb, cubeGlb } from './common/fixtures/glb.js';
import {
  auth,
  emulator,
  finish,
  finishedModel,
  get,
  IMAGE,
  modelUrl,
  post,
  read,
  statusOf,
  submit,
} from './support.js';

/** Submits against one fault. */
async function submitWith(action: FalAction): Promise<{ fal: FalEmulator; response: Promise<Response> }> {
  const fal = await emulator();
  fal.fault({ match: { op: 'submit' }, action });
  return { fal, response: post(fal) };
}

/** How a plain GET ended: the status and bytes that came, and the error's code if there was one. */
function rawGet(url: string): Promise<{ status?: number; bytes: number; code?: string }> {
  return new Promise((resolve) => {
    const end: { status?: number; bytes: number; code?: string } = { bytes: 0 };
    const fail = (error: Error): void => resolve({ ...end, code: 'code' in error ? String(error.code) : '' });
    request(url, (response) => {
      if (response.statusCode !== undefined) end.status = response.statusCode;
      response.on('data', (part: Buffer) => (end.bytes += part.length));
      response.on('end', () => resolve(end));
      response.on('error', fail);
    })
      .on('error', fail)
      .end();
  });
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

describe('downloads', () => {
  const whole = cubeGlb({ material: 'pbr' });
  const downloadWith = async (action: FalAction): Promise<{ fal: FalEmulator; url: string }> => {
    const fal = await emulator();
    fal.fault({ match: { op: 'download' }, action });
    return { fal, url: await finishedModel(fal) };
  };

  it('are whole without a fault, in one piece or by range', async () => {
    const fal = await emulator();
    const url = await finishedModel(fal);
    const all = await get(url, {});
    expect(all.headers.get('content-length')).toBe(String(whole.length));
    expect(Buffer.from(await all.arrayBuffer()).equals(whole)).toBe(true);
    const part = await get(url, { range: 'bytes=100-' });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 100-${whole.length - 1}/${whole.length}`,
    ]);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(100))).toBe(true);
    expect((await get(url, { range: `bytes=${whole.length}-` })).status).toBe(416);
  });

  it.each([
    [
      { type: 'reset-at', byte: 1000 },
      { status: 200, bytes: 1000, code: 'ECONNRESET' },
    ],
    [
      { type: 'truncate', byte: 1000 },
      { status: 200, bytes: 1000, code: 'ECONNRESET' },
    ],
    [
      { type: 'truncate', byte: 1000, declare: 'actual' },
      { status: 200, bytes: 1000 },
    ],
    [
      { type: 'swap', content: 'empty' },
      { status: 200, bytes: 0 },
    ],
    [
      { type: 'swap', content: 'glb', bytes: 5_000_000 },
      { status: 200, bytes: 5_000_000 },
    ],
  ] as const)('with %j end as %j', async (action, end) => {
    const { url } = await downloadWith(action);
    expect(await rawGet(url)).toEqual(end);
  });

  it('come without a length', async () => {
    const { url } = await downloadWith({ type: 'chunked' });
    const answer = await get(url, {});
    expect(answer.headers.get('content-length')).toBeNull();
    expect(Buffer.from(await answer.arrayBuffer()).equals(whole)).toBe(true);
  });

  it('do not know ranges', async () => {
    const { url } = await downloadWith({ type: 'no-ranges' });
    const answer = await get(url, { range: 'bytes=100-' });
    expect([answer.status, answer.headers.get('accept-ranges')]).toEqual([200, 'none']);
  });

  it.each([
    ['fbx', 'Kaydara FBX Binary'],
    ['obj-zip', 'PK'],
    ['html', '<!DOCTYPE html>'],
    ['corrupt-glb', 'glTF'],
  ] as const)('hold %s under the name of a GLB', async (content, magic) => {
    const { url } = await downloadWith({ type: 'swap', content });
    expect(url).toMatch(/\.glb$/);
    expect((await (await get(url, {})).text()).startsWith(magic)).toBe(true);
  });

  it('are corrupt in the chunk that a parser reads first', () => {
    expect(corruptGlb().readUInt32LE(12)).toBeGreaterThan(corruptGlb().length);
  });

  it('tell a wrong type', async () => {
    const { url } = await downloadWith({ type: 'media-type', contentType: 'image/png' });
    expect((await get(url, {})).headers.get('content-type')).toBe('image/png');
  });

  it.each([403, 404])('have expired with %d', async (status) => {
    const { url } = await downloadWith({ type: 'respond', status, text: '<Error/>' });
    expect((await get(url, {})).status).toBe(status);
  });

  it.each(['mirror', 'private'] as const)('are redirected to %s, which notes who comes', async (to) => {
    const { fal, url } = await downloadWith({ type: 'redirect', to });
    const answer = await fetch(url, { redirect: 'manual' });
    expect(answer.status).toBe(302);
    expect(new URL(answer.headers.get('location') ?? '').origin).toBe(fal.urls[to]);
    expect(fal.journal.count(to)).toBe(0);
    await fetch(answer.headers.get('location') ?? '');
    expect(fal.journal.count(to)).toBe(1);
  });

  it('are redirected to the same file of the other origin, or anywhere', async () => {
    const fal = await emulator();
    const url = await finishedModel(fal);
    const target = fal.urls.mirror + new URL(url).pathname;
    fal.fault({ match: { op: 'download', role: 'cdn' }, action: { type: 'redirect', to: target } });
    expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(whole)).toBe(true);
  });

  it('warn when a key is sent to the CDN', async () => {
    const fal = await emulator();
    await get(await finishedModel(fal));
    expect(fal.journal.entries({ role: 'cdn' })[0]?.warnings).toEqual(['credentials sent to the CDN']);
  });

  it('have the size that a job is told to make', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', modelBytes: 1_000_000 } });
    const job = await submit(fal);
    finish(fal);
    const bytes = Buffer.from(await (await get(await modelUrl(job), {})).arrayBuffer());
    expect([bytes.length, bytes.readUInt32LE(8)]).toEqual([1_000_000, 1_000_000]);
    expect(await read(job.response_url)).toHaveProperty('seed');
  });
});
