import { describe, expect, it } from 'vitest';
import { createServer } from 'node:net';
import type { FalAction } from '../emulator/fal/plan.js';
import { SubmitError, type SubmitFailure } from '../../src/providers/provider.js';
import { FAL_TEST_KEY } from '../emulator/fal.js';
import { emulator } from '../emulator/support.js';
import { errorOf, IMAGE_URL, PIXAL3D, providerFor, submitTo } from './fal-support.js';

/** What fal or the network does to a submit, what that means, and what the reader is told. */
const OUTCOMES: [name: string, action: FalAction, outcome: SubmitFailure, accepted: number, told: RegExp][] =
  [
    [
      'an unknown key',
      { type: 'auth', kind: 'unknown-key' },
      'refused',
      0,
      /key in FAL_KEY: No user found for Key/,
    ],
    ['a malformed key', { type: 'auth', kind: 'bad-header' }, 'refused', 0, /Authorization header format/],
    [
      'a locked account',
      { type: 'auth', kind: 'locked', reason: 'Exhausted balance' },
      'refused',
      0,
      /locked the account: User is locked. Reason: Exhausted balance. Add credit/,
    ],
    [
      'a lock by an administrator',
      { type: 'auth', kind: 'locked', reason: 'Admin lock' },
      'refused',
      0,
      /Admin lock. See https:\/\/fal.ai\/dashboard/,
    ],
    ['a 402', { type: 'server', status: 402 }, 'refused', 0, /payment/],
    [
      'a 403 that is no lock',
      respond(403, { detail: 'Forbidden' }),
      'refused',
      0,
      /does not let this key use fal-ai\/pixal3d: Forbidden/,
    ],
    [
      'a 404',
      respond(404, { detail: 'Path / not found' }),
      'refused',
      0,
      /no longer lists this model \(fal-ai\/pixal3d\)/,
    ],
    [
      'a 429',
      { type: 'throttle', retryAfter: 7 },
      'refused',
      0,
      /Too many concurrent requests. Call again in 7 s/,
    ],
    ['a 400', respond(400, { detail: 'Invalid body' }), 'rejected', 0, /refused the input: Invalid body/],
    ['a 413 in HTML', respond(413, undefined, '<html>too large</html>'), 'rejected', 0, /HTTP 413/],
    ['a reset before acceptance', { type: 'reset' }, 'unclear', 0, /connection broke/],
    ['a reset after acceptance', { type: 'reset', accept: true }, 'unclear', 1, /connection broke/],
    ['a 500', { type: 'server', status: 500 }, 'unclear', 0, /HTTP 500/],
    ['a 502 in HTML', { type: 'server', status: 502, body: 'html' }, 'unclear', 0, /HTTP 502$/],
    ['a 503', { type: 'server', status: 503 }, 'unclear', 0, /HTTP 503 \(No runner/],
    ['a 504', { type: 'server', status: 504 }, 'unclear', 0, /HTTP 504/],
    ['a body that breaks off', { type: 'reset-at', byte: 20 }, 'unclear', 1, /broke/],
    ['a body that is cut short', { type: 'truncate', byte: 20 }, 'unclear', 1, /broke/],
    [
      'a body that is no JSON',
      { type: 'truncate', byte: 20, declare: 'actual' },
      'unclear',
      1,
      /cannot be read/,
    ],
    [
      'an HTML page with status 200',
      respond(200, undefined, '<html></html>'),
      'unclear',
      0,
      /without the id/,
    ],
    ['a reply without an id', { type: 'job', omit: ['request_id'] }, 'unclear', 1, /without the id/],
    ['a redirect', { type: 'redirect', to: 'private' }, 'unclear', 0, /HTTP 302/],
  ];

describe('a submit', () => {
  it.each(OUTCOMES)('%s', async (_name, action, outcome, accepted, told) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action, times: 'always' });
    const error = await errorOf(submitTo(providerFor(fal)));
    expect(error).toBeInstanceOf(SubmitError);
    expect(error).toMatchObject({ outcome, message: expect.stringMatching(told) });
    expect(fal.journal.count('queue', 'submit')).toBe(1);
    expect(fal.journal.count('private')).toBe(0);
    expect(fal.ledger.accepted).toBe(accepted);
  });

  it('sends the body as it is, once, with the key, and answers an operation that can be stored', async () => {
    const fal = await emulator();
    const body = { image_url: IMAGE_URL, resolution: 1536, texture_size: 2048, remesh: false };
    const operation = await submitTo(providerFor(fal), PIXAL3D, body);
    const [post] = fal.journal.entries({ op: 'submit' });
    expect(post).toMatchObject({ method: 'POST', path: `/${PIXAL3D}`, body, warnings: [] });
    expect(post?.headers.authorization).toBe(`Key ${FAL_TEST_KEY}`);
    const base = `${fal.urls.queue}/${PIXAL3D}/requests/${post?.requestId}`;
    expect(JSON.parse(JSON.stringify(operation))).toEqual({
      request_id: post?.requestId,
      endpoint: PIXAL3D,
      status_url: `${base}/status`,
      response_url: base,
      cancel_url: `${base}/cancel`,
      submitted_at: expect.any(Number),
    });
  });

  it('names the field of a refused input, with the words of fal', async () => {
    const fal = await emulator();
    const error = await errorOf(submitTo(providerFor(fal), PIXAL3D, { image_url: IMAGE_URL, resolution: 7 }));
    expect(error).toMatchObject({
      outcome: 'rejected',
      field: 'resolution',
      message: 'fal refused the input: resolution: Input should be 1024 or 1536 (literal_error).',
    });
  });

  it('says that a model is delisted', async () => {
    const fal = await emulator({ delisted: ['fal-ai/hunyuan3d-v21'] });
    const error = await errorOf(submitTo(providerFor(fal), 'fal-ai/hunyuan3d-v21'));
    expect(error).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('fal no longer lists this model (fal-ai/hunyuan3d-v21)'),
    });
  });

  it('knows that nothing was sent when the connection is refused', async () => {
    const fal = await emulator();
    const provider = providerFor(fal);
    await fal.down('queue');
    const error = await errorOf(submitTo(provider));
    expect(error).toMatchObject({ outcome: 'refused', message: expect.stringContaining('(ECONNREFUSED)') });
  });

  it('knows that nothing was sent when the name does not exist', async () => {
    const fal = await emulator();
    const error = await errorOf(submitTo(providerFor(fal, { queueUrl: 'http://queue.invalid' })));
    expect(error).toMatchObject({ outcome: 'refused', message: expect.stringContaining('Nothing was sent') });
  });

  it('knows that nothing was sent when there is no TLS on the other side', async () => {
    const fal = await emulator();
    const queueUrl = fal.urls.queue.replace('http:', 'https:');
    const error = await errorOf(submitTo(providerFor(fal, { queueUrl })));
    expect(error).toMatchObject({ outcome: 'refused', message: expect.stringContaining('Nothing was sent') });
    expect(fal.journal.count('queue')).toBe(0);
  });

  it('gives up at the deadline of its caller with an unknown outcome, once the request is out', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'stall', at: 'headers' } });
    const deadline = new AbortController();
    const failed = errorOf(submitTo(providerFor(fal), PIXAL3D, { image_url: IMAGE_URL }, deadline.signal));
    await expect.poll(() => fal.ledger.accepted).toBe(1);
    deadline.abort();
    expect(await failed).toMatchObject({ outcome: 'unclear' });
  });

  it('has sent nothing when its deadline has passed before', async () => {
    const fal = await emulator();
    const error = await errorOf(submitTo(providerFor(fal), PIXAL3D, {}, AbortSignal.abort()));
    expect(error).toMatchObject({ outcome: 'refused' });
    expect(fal.journal.count('queue')).toBe(0);
  });

  it('goes over a connection of its own, never over one that may be dead', async () => {
    let connections = 0;
    const fal = await emulator();
    const target = Number(new URL(fal.urls.queue).port);
    const net = await import('node:net');
    const front = createServer((socket) => {
      connections += 1;
      const back = net.connect(target, '127.0.0.1');
      socket.pipe(back).pipe(socket);
      for (const end of [socket, back]) end.on('error', () => end.destroy());
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const address = front.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const provider = providerFor(fal, { queueUrl: `http://127.0.0.1:${port}` });
    await submitTo(provider);
    await submitTo(provider);
    expect(connections).toBe(2);
    front.close();
  });

  it('never shows the key, also when fal repeats it', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: respond(403, { detail: `Key ${FAL_TEST_KEY} is locked` }) });
    const error = await errorOf(submitTo(providerFor(fal)));
    expect(String(error)).toContain('is locked');
    expect(String(error)).not.toContain('emulator-key-secret');
  });
});

describe('the addresses in a reply', () => {
  it('are kept when they are on the configured queue', async () => {
    const fal = await emulator({ urlMode: 'nested', strictUrls: true });
    const operation = await submitTo(providerFor(fal), 'fal-ai/hunyuan3d/v2', { input_image_url: IMAGE_URL });
    expect(operation).toMatchObject({
      status_url: expect.stringContaining('/fal-ai/hunyuan3d/v2/requests/'),
    });
  });

  it('are kept when they are on the real queue, which the configuration stands for', async () => {
    const fal = await emulator({ hosts: 'public' });
    const operation = await submitTo(providerFor(fal));
    expect(operation).toMatchObject({
      status_url: expect.stringContaining('https://queue.fal.run/fal-ai/pixal3d/'),
    });
  });

  it.each([
    'http://127.0.0.1:9',
    'https://queue.fal.run.evil.example',
    'http://queue.fal.run',
    'https://user:pw@queue.fal.run',
    'file://',
  ])('are dropped when they lead to %s', async (urlOrigin) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', urlOrigin } });
    const operation = await submitTo(providerFor(fal));
    expect(operation).not.toHaveProperty('status_url');
    expect(operation).not.toHaveProperty('response_url');
    expect(operation).not.toHaveProperty('cancel_url');
    expect(operation).toHaveProperty('request_id');
  });
});

function respond(status: number, json: { detail: string } | undefined, text?: string): FalAction {
  return {
    type: 'respond',
    status,
    ...(json === undefined ? { text: text ?? '', headers: { 'content-type': 'text/html' } } : { json }),
  };
}
