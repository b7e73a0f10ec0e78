import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/json.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator, startPixazoEmulator } from '../emulator/pixazo.js';
import { removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { freePort, type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { callTool } from '../support/modern.js';

const IMAGE = 'https://example.com/dog.png';

let folder: string;
let server: HttpProcess;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => removeFolder(folder));

const call = (body: string, headers: Record<string, string>, target: string): Promise<Response> =>
  fetch(target, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

const generate = (token?: string): Promise<JsonObject> =>
  callTool(server.origin, 'pixal3d', { image_url: IMAGE, wait_seconds: 10 }, { token });

const job = (id: unknown, token?: string): Promise<JsonObject> =>
  callTool(server.origin, 'get_job', { job_id: typeof id === 'string' ? id : '' }, { token });

describe('a callback of fal', () => {
  let fal: FalEmulator;
  let callbacks: () => string[];

  beforeEach(async () => {
    fal = await startFalEmulator({ jobMs: 300, timeScale: 1, webhookLoopback: true });
    const port = await freePort();
    const env = serverEnv(path.join(folder, 'data'), {
      FAL_KEY: FAL_TEST_KEY,
      MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
      MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
      MESHWRIGHT_PUBLIC_URL: `http://127.0.0.1:${port}`,
    });
    server = await startHttpProcess(env, ['--port', String(port)]);
    callbacks = () =>
      fal.journal
        .entries({ op: 'submit' })
        .map(({ query }) => new URLSearchParams(query).get('fal_webhook') ?? '');
  });
  afterEach(async () => {
    await server.stop();
    await fal.close();
  });

  it('finds the job whose submit got no answer: nothing is lost and nothing bought again', async () => {
    // Within what a callback's time may be off by.
    const runMs = 120_000;
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs } });
    fal.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
    const lost = await generate();
    expect(lost['status']).toBe('unconfirmed');
    fal.clock.advance(runMs);
    await expect
      .poll(async () => (await job(lost['job_id']))['status'], { timeout: 20_000 })
      .toBe('succeeded');
    expect(fal.ledger.accepted).toBe(1);
    expect(server.log.join('\n')).toContain('a callback brought the handle of a job');
    // The URL is as good as a key.
    const [url = ''] = callbacks();
    expect(server.log.join('\n')).not.toContain(new URL(url).pathname.split('.').at(-1));
  });

  it('that comes early, late, twice or is forged changes nothing', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'webhook', copies: 3, early: true } });
    const done = await generate();
    expect(done['status']).toBe('succeeded');
    const [url = ''] = callbacks();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/webhooks\/fal\/job_[0-9a-z]{26}\.[\w-]{43}$/);

    const forged = JSON.stringify({ request_id: 'somebody-elses', status: 'ERROR', error: 'x', payload: {} });
    expect((await call(forged, {}, url)).status).toBe(401);
    const signed = {
      'x-fal-webhook-request-id': 'somebody-elses',
      'x-fal-webhook-user-id': 'u',
      'x-fal-webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'x-fal-webhook-signature': 'ab'.repeat(64),
    };
    expect((await call(forged, signed, url)).status).toBe(401);
    const guessed = url.replace(/.{6}$/, 'AAAAAA');
    expect((await call(forged, {}, guessed)).status).toBe(404);
    expect((await call(forged, {}, url.replace('/fal/', '/pixazo/'))).status).toBe(404);
    expect((await call('x'.repeat(5 * 1024 ** 2), {}, url)).status).toBe(413);
    expect((await fetch(url)).status).toBe(405);

    expect(await job(done['job_id'])).toMatchObject({ status: 'succeeded' });
    expect(fal.ledger.accepted).toBe(1);
  });
});

describe('a callback of Pixazo', () => {
  const token = 'token-of-ada';
  let pixazo: PixazoEmulator;

  beforeEach(async () => {
    pixazo = await startPixazoEmulator({ jobMs: 200 });
    const tokens = path.join(folder, 'tokens.json');
    const hash = createHash('sha256').update(token).digest('hex');
    await writeFile(tokens, JSON.stringify({ principals: [{ name: 'ada', token_sha256: hash }] }));
    server = await startHttpProcess(
      serverEnv(path.join(folder, 'data'), {
        PIXAZO_API_KEY: PIXAZO_TEST_KEY,
        MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
        MESHWRIGHT_ALLOW_HOSTS: new URL(pixazo.urls.cdn).host,
        MESHWRIGHT_POLL_MS: '50',
        MESHWRIGHT_PUBLIC_URL: 'https://mesh.example',
        MESHWRIGHT_TOKENS: tokens,
      }),
    );
  });
  afterEach(async () => {
    await server.stop();
    await pixazo.close();
  });

  it('is a hint: the job is asked for at Pixazo, and found again when its submit got no answer', async () => {
    pixazo.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
    const lost = await generate(token);
    expect(lost['status']).toBe('unconfirmed');
    const header = pixazo.journal.entries({ op: 'submit' })[0]?.headers['x-webhook-url'];
    const url = new URL(String(header));
    expect(url.origin).toBe('https://mesh.example');
    const target = `${server.origin}${url.pathname}`;

    const lie = JSON.stringify({ request_id: 'nobody-knows', status: 'COMPLETED', output: {} });
    expect((await call(lie, {}, target)).status).toBe(200);
    expect((await job(lost['job_id'], token))['status']).toBe('unconfirmed');

    const id = pixazo.ledger.entries()[0]?.requestId;
    const hint = JSON.stringify({ request_id: id, status: 'FAILED', error: 'not true' });
    expect((await call(hint, {}, target)).status).toBe(200);
    expect((await call(hint, {}, target)).status).toBe(200);
    await expect
      .poll(async () => (await job(lost['job_id'], token))['status'], { timeout: 20_000 })
      .toBe('succeeded');
    expect(pixazo.ledger.accepted).toBe(1);
  });
});
