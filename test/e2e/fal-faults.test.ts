import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import {
  connect,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../support/clients.js';

/** What can go wrong between meshwright and a provider, and what the user is told of it and of the money. */

const IMAGE = 'https://storage.googleapis.com/falserverless/a.png';
let folder: string;
let fal: FalEmulator;
let client: TestClient;

const env = (extra: Record<string, string> = {}): Record<string, string> =>
  serverEnv(path.join(folder, 'data'), {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
    ...extra,
  });

beforeEach(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 200 });
  client = await connect('v1', env());
});
afterEach(async () => {
  await client.close();
  await fal.close();
  await removeFolder(folder);
});

const trellis = (args: Record<string, unknown> = {}): Promise<ToolResult> =>
  client.call('trellis', { image_url: IMAGE, ...args });
const jobs = async (): Promise<Record<string, unknown>[]> => {
  const listed = (await client.call('list_jobs', {})).structured?.['jobs'];
  return Array.isArray(listed) ? listed.filter(isRecord) : [];
};

const lookAt = (result: ToolResult) => async (): Promise<unknown> =>
  (await client.call('get_job', { job_id: result.structured?.['job_id'] })).structured;

describe('a server that goes away', () => {
  it('while it submits waits for the answer, so that the job is known at the next start', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'delay', ms: 1200 } });
    const call = trellis().catch(() => undefined);
    await expect.poll(() => fal.journal.count('queue', 'submit')).toBe(1);
    await client.close();
    await call;
    await expect.poll(() => fal.ledger.accepted, { timeout: 5000 }).toBe(1);
    await pause(500);
    client = await connect('v1', env());
    await expect.poll(async () => (await jobs())[0]?.['status'], { timeout: 20_000 }).toBe('succeeded');
    expect(fal.ledger.accepted).toBe(1);
  });

  it('killed between sending and hearing leaves an unconfirmed job that is never sent again', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'stall', at: 'headers', accept: true } });
    const call = trellis().catch(() => undefined);
    await expect.poll(() => fal.ledger.accepted).toBe(1);
    if (client.pid !== null) process.kill(client.pid, 'SIGKILL');
    await call;
    await client.close().catch(() => undefined);
    client = await connect('v2 modern', env());
    await expect.poll(async () => (await jobs())[0]?.['status'], { timeout: 30_000 }).toBe('unconfirmed');
    expect((await jobs())[0]).toMatchObject({ error: { code: 'unconfirmed', charged: 'unknown' } });
    expect(fal.ledger.accepted).toBe(1);
  });
});

describe('a disk that is full', () => {
  it('keeps a paid result waiting in words, lets all else go on, and loses and buys nothing', async () => {
    await client.close();
    client = await connect('v1', env(), [], { maxFileKb: 8 * 1024 });
    const modelBytes = 10 * 1024 * 1024;
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', modelBytes } });
    const large = await trellis({ wait_seconds: 0 });
    expect(large.isError).toBe(false);
    await expect.poll(lookAt(large), { timeout: 30_000 }).toMatchObject({
      status: 'running',
      assets: [],
      message: expect.stringMatching(/^Done at fal, but .*full.*Free some space/),
      next: expect.stringMatching(/without paying again/),
    });
    expect((await trellis({ seed: 1 })).structured).toMatchObject({ status: 'succeeded' });
    await client.close();

    // Somebody has freed some space.
    client = await connect('v1', env());
    const again = await client.call('wait_for_job', { job_id: large.structured?.['job_id'] });
    expect(again.structured).toMatchObject({ status: 'succeeded', assets: [{ size_bytes: modelBytes }] });
    expect(fal.ledger.accepted).toBe(2);
  });
});

describe('a server without the key', () => {
  it('leaves the job to one that has it, and says what is missing', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs: 600_000 } });
    const started = await trellis({ wait_seconds: 0 });
    await expect.poll(lookAt(started), { timeout: 30_000 }).toMatchObject({ status: 'running' });
    const other = await connect('v1', serverEnv(path.join(folder, 'data')));
    if (client.pid !== null) process.kill(client.pid, 'SIGKILL');
    await client.close().catch(() => undefined);
    const seen = await other.call('get_job', { job_id: started.structured?.['job_id'] });
    expect(seen.structured?.['next']).toMatch(/no key of fal/);
    await other.close();
    fal.clock.advance(600_000);
    client = await connect('v1', env());
    const done = await client.call('wait_for_job', {
      job_id: started.structured?.['job_id'],
      wait_seconds: 40,
    });
    expect(done.structured).toMatchObject({ status: 'succeeded' });
  });
});

describe('a result', () => {
  it.each([
    ['cut short without a length', { type: 'truncate', byte: 300, declare: 'actual' } as const],
    ['whose connection breaks', { type: 'reset-at', byte: 300 } as const],
  ])('%s is fetched again, and only the whole file is shown', async (_name, action) => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', files: 'url-only' } });
    fal.fault({ match: { op: 'download' }, times: 1, action });
    const result = await trellis({ wait_seconds: 30 });
    expect(result.structured, result.text).toMatchObject({ status: 'succeeded' });
    expect(result.text).not.toMatch(/cut or damaged/);
    expect(fal.ledger.accepted).toBe(1);
  });
});

describe('a job that is done and whose files cannot be had', () => {
  it('is not given up however often somebody waits for it, says what is the matter, and comes in the end', async () => {
    fal.fault({
      match: { op: 'download' },
      times: 'always',
      action: { type: 'respond', status: 503, json: {} },
    });
    const started = await trellis({ wait_seconds: 2 });
    const id = started.structured?.['job_id'];
    const waits = async (): Promise<ToolResult> =>
      client.call('wait_for_job', { job_id: id, wait_seconds: 0.05 });
    for (let i = 0; i < 80; i++) await waits();
    const waiting = await waits();
    expect(waiting.structured).toMatchObject({
      status: 'running',
      message: expect.stringMatching(/^Done at fal, but its files are not here yet/),
      error: { charged: expect.stringMatching(/yes|unknown/) },
      next: expect.stringMatching(/without paying again/),
    });
    // Eighty calls are not eighty attempts.
    expect(fal.journal.count('cdn', 'download')).toBeLessThan(40);
    fal.faults.clear();
    const done = await client.call('wait_for_job', { job_id: id, wait_seconds: 30 });
    expect(done.structured).toMatchObject({ status: 'succeeded' });
    expect(fal.ledger.accepted).toBe(1);
  });

  it('keeps the model although a picture beside it is not there, and says so', async () => {
    const action = { type: 'respond', status: 404, json: {} } as const;
    fal.fault({ match: { op: 'download', path: /preview|legacy|webp|png/ }, times: 'always', action });
    const made = await client.call('tripo_image_to_3d', { image_url: IMAGE, wait_seconds: 30 });
    expect(made.structured, made.text).toMatchObject({
      status: 'succeeded',
      assets: [{ role: 'model' }],
      report: { notes: [expect.stringMatching(/is missing/)] },
    });
  });
});

describe('a refusal', () => {
  it('is told as one, with what to do, and is not called a network fault', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'auth', kind: 'unknown-key' } });
    const result = await trellis();
    expect(result.structured).toMatchObject({
      status: 'failed',
      error: { code: 'provider_refused', retryable: false, charged: 'no' },
    });
    expect(result.text).toMatch(/FAL_KEY/);
  });

  it('with a short pause is waited for, and the job is sent once it is over', async () => {
    fal.fault({ match: { op: 'submit' }, times: 1, action: { type: 'throttle', retryAfter: 1 } });
    const result = await trellis({ wait_seconds: 30 });
    expect(result.structured).toMatchObject({ status: 'succeeded' });
    expect(fal.journal.count('queue', 'submit')).toBe(2);
    expect(fal.ledger.accepted).toBe(1);
  });
});

describe('cancel_job', () => {
  it('says when the job runs on, at once, and asks again when it is asked again', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs: 'never', ignoreCancel: true } });
    const started = await trellis({ wait_seconds: 1 });
    const id = started.structured?.['job_id'];
    await expect.poll(lookAt(started)).toMatchObject({ status: 'running' });
    const first = await client.call('cancel_job', { job_id: id });
    expect(first.isError).toBe(false);
    expect(first.structured).toMatchObject({ status: 'running', message: expect.stringMatching(/runs on/) });
    await client.call('cancel_job', { job_id: id });
    expect(fal.journal.count('queue', 'cancel')).toBe(2);
  });

  it('says when fal did not take it', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs: 'never' } });
    const started = await trellis({ wait_seconds: 1 });
    await expect.poll(lookAt(started)).toMatchObject({ status: 'running' });
    fal.fault({
      match: { op: 'cancel' },
      times: 'always',
      action: { type: 'server', status: 500, body: 'json' },
    });
    const result = await client.call(
      'cancel_job',
      { job_id: started.structured?.['job_id'] },
      { timeout: 60_000 },
    );
    expect(result.structured?.['message']).toMatch(/did not take the cancellation|Cancelling/);
  });
});
