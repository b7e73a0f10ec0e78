import { describe, expect, it } from 'vitest';
import type { PixazoOptions } from './pixazo.js';
import type { PixazoAction } from './pixazo/plan.js';
import { emulator, finish, headers, IMAGE, key, poll, post, submit } from './pixazo-support.js';

/** Status and body of a bare request. */
async function answerOf(
  options: PixazoOptions,
  method: string,
  path: string,
  sent: Record<string, string>,
  body: unknown = { image_url: IMAGE },
): Promise<[number, unknown]> {
  const pixazo = await emulator(options);
  const answer = await fetch(pixazo.urls.gateway + path, {
    method,
    headers: sent,
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });
  expect(pixazo.ledger.accepted).toBe(0);
  const text = await answer.text();
  return [answer.status, text === '' ? '' : JSON.parse(text)];
}

const SUBMIT = '/pixal3d/v1/pixal3d-request';

describe('a key', () => {
  it.each([
    ['documented', { error: 'Unauthorized', message: expect.stringContaining('missing subscription key') }],
    ['gateway', { statusCode: 401, message: expect.stringContaining('missing subscription key') }],
    ['empty', ''],
  ] as const)('that is missing is refused with a body of the %s kind', async (refusalBodies, body) => {
    const { 'ocp-apim-subscription-key': _, ...keyless } = headers;
    expect(await answerOf({ refusalBodies }, 'POST', SUBMIT, keyless)).toEqual([401, body]);
    expect(await answerOf({ refusalBodies }, 'GET', '/v2/requests/status/x', keyless)).toEqual([401, body]);
  });

  it('that is wrong is refused', async () => {
    const sent = { ...headers, 'ocp-apim-subscription-key': 'another' };
    expect((await answerOf({}, 'POST', SUBMIT, sent))[0]).toBe(401);
  });
});

describe('a submit', () => {
  it.each(['content-type', 'cache-control'] as const)('without %s is refused', async (name) => {
    const { [name]: _, ...sent } = headers;
    expect(await answerOf({}, 'POST', SUBMIT, sent)).toEqual([
      400,
      { error: 'Bad Request', message: expect.stringMatching(new RegExp(`^${name}`, 'i')) },
    ]);
  });

  it.each([
    [{}, 'image_url: Field required'],
    [{ image_url: IMAGE, resolution: 512 }, 'resolution: Input should be 1024 or 1536'],
    [{ image_url: IMAGE, texture_size: '2048' }, 'texture_size: Input should be 1024, 2048 or 4096'],
    [
      { image_url: IMAGE, ss_sampling_steps: 51 },
      'ss_sampling_steps: Input should be less than or equal to 50',
    ],
  ])('of %j is refused', async (body, message) => {
    expect(await answerOf({}, 'POST', SUBMIT, headers, body)).toEqual([
      400,
      { error: 'Bad Request', message },
    ]);
  });

  it('with a bad parameter may also be found out when the job runs', async () => {
    const pixazo = await emulator({ validateAt: 'run' });
    const job = await submit(pixazo, { image_url: IMAGE, resolution: 512 });
    finish(pixazo);
    expect(await poll(job)).toMatchObject({
      status: 'FAILED',
      error: 'resolution: Input should be 1024 or 1536',
    });
    expect(pixazo.ledger.entries()).toMatchObject([{ state: 'free' }]);
  });

  it('takes an unknown parameter without a word', async () => {
    const pixazo = await emulator();
    await submit(pixazo, { image_url: IMAGE, textur_size: 4096 });
    expect(pixazo.journal.entries()[0]?.warnings).toEqual(['unknown field textur_size']);
  });

  const refusals: [PixazoAction, number, unknown][] = [
    [
      { type: 'refusal', kind: 'no-balance' },
      402,
      { error: 'Insufficient Balance', message: 'Your wallet does not have enough balance.' },
    ],
    [
      { type: 'refusal', kind: 'model-disabled' },
      400,
      { error: 'Model not found', message: "Model 'pixal3d' not found or is disabled" },
    ],
    [{ type: 'refusal', kind: 'forbidden' }, 403, expect.objectContaining({ error: 'Forbidden' })],
    [{ type: 'refusal', kind: 'internal' }, 500, expect.objectContaining({ error: 'Internal Server Error' })],
    [{ type: 'throttle', retryAfter: 7 }, 429, expect.objectContaining({ error: 'Too Many Requests' })],
    [{ type: 'server', status: 503 }, 503, expect.objectContaining({ message: expect.any(String) })],
    [{ type: 'auth', kind: 'unknown-key' }, 401, expect.objectContaining({ error: 'Unauthorized' })],
    [{ type: 'auth', kind: 'locked', reason: 'Locked.' }, 403, { error: 'Forbidden', message: 'Locked.' }],
  ];
  it.each(refusals)('under %j is answered %d', async (action, status, body) => {
    const pixazo = await emulator();
    pixazo.fault({ match: { op: 'submit' }, action });
    const answer = await post(pixazo);
    expect([answer.status, await answer.json()]).toEqual([status, body]);
    expect(pixazo.ledger.accepted).toBe(0);
    expect((await post(pixazo)).status).toBe(202);
  });

  it('may lose its reply after the job was accepted', async () => {
    const pixazo = await emulator();
    pixazo.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
    await expect(post(pixazo)).rejects.toThrow('fetch failed');
    expect(pixazo.ledger.accepted).toBe(1);
  });
});

describe('an image', () => {
  it('as a data URI is refused, or accepted', async () => {
    const data = { image_url: 'data:image/png;base64,AAAA' };
    const failed = await runWith({}, data);
    expect(failed).toMatchObject({ status: 'FAILED', error: 'image_url must be a publicly accessible URL' });
    expect(await runWith({ dataUris: 'accepted' }, data)).toMatchObject({ status: 'COMPLETED' });
  });

  it('on a private address cannot be downloaded', async () => {
    expect(await runWith({}, { image_url: 'http://192.168.1.2/dog.png' })).toMatchObject({
      status: 'FAILED',
      error: 'Failed to download the image',
    });
  });

  it('on an origin that counts as public is fetched, and must be an image', async () => {
    const host = await emulator();
    const publicOrigins = [host.urls.cdn];
    const image_url = `${host.urls.cdn}/dog.png`;
    expect(await runWith({ publicOrigins }, { image_url })).toMatchObject({ status: 'FAILED' });
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    host.files.put({ path: '/dog.png', bytes: png, contentType: 'image/png' });
    expect(await runWith({ publicOrigins }, { image_url })).toMatchObject({ status: 'COMPLETED' });
  });

  async function runWith(options: PixazoOptions, input: Record<string, string>): Promise<unknown> {
    const pixazo = await emulator(options);
    const job = await submit(pixazo, input);
    finish(pixazo);
    return poll(job);
  }
});

describe('what the documents do not have', () => {
  it.each([
    ['POST', '/v2/requests/cancel/x'],
    ['DELETE', '/v2/requests/status/x'],
    ['GET', '/v2/requests'],
    ['POST', '/v2/uploads'],
    ['GET', '/v2/pricing'],
    ['GET', '/pixal3d/v1/result/x'],
    ['GET', '/v2/requests/status/x'],
  ])('is not there: %s %s', async (method, path) => {
    expect((await answerOf({}, method, path, key))[0]).toBe(404);
  });

  it('is not there for a job either: the path of the other shape', async () => {
    const pixazo = await emulator();
    const { request_id: id } = await submit(pixazo);
    const answer = await fetch(`${pixazo.urls.gateway}/pixal3d/v1/result/${id}`, { headers: key });
    expect(answer.status).toBe(404);
  });
});
