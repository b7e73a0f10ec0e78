import type { FalClient } from '@fal-ai/client';
import { ApiError, createFalClient, ValidationError } from '@fal-ai/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchOutbound } from './common/outbound.js';
import type { FalEmulator, FalOptions } from './fal.js';
import { FAL_TEST_KEY } from './fal.js';
import { loopbackFetch } from './fal/loopback-fetch.js';
import { emulator, finish, IMAGE } from './support.js';

/** The official client, used plainly: only its hosts are rewritten. */
async function clientAndEmulator(options: FalOptions = {}): Promise<{ fal: FalEmulator; client: FalClient }> {
  const fal = await emulator({ hosts: 'public', ...options });
  return { fal, client: createFalClient({ credentials: FAL_TEST_KEY, fetch: loopbackFetch(fal.urls) }) };
}

/** `fal-ai/pixal3d` is not in the client's types; the client takes any id at run time. */
const PIXAL3D: string = 'fal-ai/pixal3d';
const TRELLIS: string = 'fal-ai/trellis/multi';

const pixal3d = { input: { image_url: IMAGE } };

let outbound: ReturnType<typeof watchOutbound>;
beforeEach(() => {
  outbound = watchOutbound();
});
afterEach(() => {
  outbound.stop();
  expect(outbound.attempts).toEqual([]);
});

describe('@fal-ai/client 1.10.1 against the emulator', () => {
  it('subscribes by polling and returns the output', async () => {
    const { fal, client } = await clientAndEmulator();
    const seen: string[] = [];
    const result = await client.subscribe(PIXAL3D, {
      ...pixal3d,
      pollInterval: 1,
      onQueueUpdate: ({ status }) => {
        seen.push(status);
        fal.clock.advance(status === 'IN_QUEUE' ? 4000 : 90_000);
      },
    });
    expect(result.data).toMatchObject({
      model_glb: { url: expect.stringContaining('https://v3b.fal.media/files/') },
    });
    expect(result.requestId).toBe(fal.jobs.all()[0]?.id);
    expect(seen).toEqual(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
    expect(fal.ledger.accepted).toBe(1);
    expect(fal.ledger.usd).toBe(0.42);
  });

  it('subscribes by the status stream with three requests', async () => {
    const { fal, client } = await clientAndEmulator();
    let messages: string[] = [];
    const result = await client.subscribe(TRELLIS, {
      input: { image_urls: [IMAGE, IMAGE] },
      mode: 'streaming',
      logs: true,
      onQueueUpdate: (update) => {
        if (update.status === 'IN_QUEUE') finish(fal);
        else messages = update.logs.map((log) => log.message);
      },
    });
    expect(result.data).toMatchObject({ model_mesh: { file_name: 'trellis.glb' }, timings: {} });
    expect(messages).toContain('Sampling:  50%|█████     | 6/12 [00:02<00:02,  2.86it/s]');
    expect(messages.at(-1)).toBe('Exporting GLB');
    expect(fal.journal.counts()).toEqual({ 'queue submit': 1, 'queue stream': 1, 'queue result': 1 });
  });

  it('walks through submit, status, result', async () => {
    const { fal, client } = await clientAndEmulator();
    const { request_id: requestId } = await client.queue.submit(TRELLIS, { input: { image_urls: [IMAGE] } });
    expect(await client.queue.status(TRELLIS, { requestId })).toMatchObject({
      status: 'IN_QUEUE',
      queue_position: 1,
    });
    await expect(client.queue.result(TRELLIS, { requestId })).rejects.toMatchObject({
      status: 400,
      body: { detail: 'Request is still in progress' },
    });
    finish(fal);
    expect(await client.queue.status(TRELLIS, { requestId, logs: true })).toMatchObject({
      status: 'COMPLETED',
    });
    expect((await client.queue.result(TRELLIS, { requestId })).data).toHaveProperty('model_mesh');
    // The client drops `/multi` from every path but that of the submit.
    expect(fal.journal.entries({ op: 'status' })[0]?.path).toBe(
      `/fal-ai/trellis/requests/${requestId}/status`,
    );
  });

  it('sends the headers that the documents name', async () => {
    const { fal, client } = await clientAndEmulator();
    await client.queue.submit(PIXAL3D, { ...pixal3d, storageSettings: { expiresIn: '1h' } });
    expect(fal.journal.entries({ op: 'submit' })[0]).toMatchObject({
      headers: {
        authorization: `Key ${FAL_TEST_KEY}`,
        accept: 'application/json',
        'x-fal-queue-priority': 'normal',
        'x-fal-object-lifecycle-preference': '{"expiration_duration_seconds":3600}',
      },
      body: { image_url: IMAGE },
    });
  });

  it('cancels', async () => {
    const { fal, client } = await clientAndEmulator();
    const { request_id: requestId } = await client.queue.submit(PIXAL3D, pixal3d);
    await client.queue.cancel(PIXAL3D, { requestId });
    await expect(client.queue.result(PIXAL3D, { requestId })).rejects.toMatchObject({ status: 499 });
    await expect(client.queue.cancel(PIXAL3D, { requestId })).rejects.toMatchObject({
      status: 400,
      body: { status: 'ALREADY_COMPLETED' },
    });
    expect(fal.ledger.entries()).toMatchObject([{ state: 'free', usd: 0 }]);
  });

  it('tells of a refused input with the field', async () => {
    const { client } = await clientAndEmulator();
    const refused = client.queue.submit(PIXAL3D, { input: { image_url: IMAGE, texture_size: '2048' } });
    const error = await refused.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error instanceof ValidationError && error.getFieldErrors('texture_size')).toMatchObject([
      { type: 'literal_error', input: '2048', ctx: { expected: '1024, 2048 or 4096' } },
    ]);
  });

  it('uploads with one initiate and one PUT that carries no key', async () => {
    const { fal, client } = await clientAndEmulator();
    const png = new File([new Uint8Array([1, 2, 3])], 'dog.png', { type: 'image/png' });
    const url = await client.storage.upload(png, { lifecycle: { expiresIn: 'immediate' } });
    expect(fal.journal.counts()).toEqual({ 'rest initiate': 1, 'cdn put': 1 });
    const [put] = fal.journal.entries({ op: 'put' });
    expect(put?.headers).not.toHaveProperty('authorization');
    expect(put?.warnings).toEqual([]);
    const fetched = loopbackFetch(fal.urls);
    expect([...new Uint8Array(await (await fetched(url)).arrayBuffer())]).toEqual([1, 2, 3]);
    fal.clock.advance(60_000);
    expect((await fetched(url)).status).toBe(404);
  });

  it('uploads more than 90 MiB in parts of 10 MiB', async () => {
    const { fal, client } = await clientAndEmulator({ journalLimit: 0 });
    const big = new Blob([new Uint8Array(90 * 1024 * 1024 + 1)], { type: 'model/gltf-binary' });
    const url = await client.storage.upload(big);
    expect(fal.journal.counts()).toEqual({
      'rest initiate-multipart': 1,
      'cdn put-part': 10,
      'cdn complete': 1,
    });
    expect(fal.files.get(new URL(url).pathname)?.bytes.length).toBe(big.size);
  });

  it('mistakes a stream that ends early for the end of the job', async () => {
    const { fal, client } = await clientAndEmulator();
    fal.fault({ match: { op: 'stream' }, action: { type: 'stream', afterEvents: 1, how: 'end' } });
    const subscribed = client.subscribe(PIXAL3D, { ...pixal3d, mode: 'streaming' });
    await expect(subscribed).rejects.toMatchObject({ status: 400 });
  });
});

describe('the retries of @fal-ai/client 1.10.1', () => {
  // Its pauses (7 s and 28 s in all) are fake; sockets are not.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    vi.setTimerTickMode('nextTimerAsync');
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['503', { type: 'server', status: 503 }, 4],
    ['429', { type: 'throttle', retryAfter: 7 }, 4],
    ['500', { type: 'server', status: 500 }, 1],
  ] as const)('post a submit that is answered with %s so often', async (_, action, posts) => {
    const { fal, client } = await clientAndEmulator();
    fal.fault({ match: { op: 'submit' }, times: 'always', action });
    await expect(client.queue.submit(PIXAL3D, pixal3d)).rejects.toBeInstanceOf(ApiError);
    expect(fal.journal.count('queue', 'submit')).toBe(posts);
    expect(fal.ledger.accepted).toBe(0);
  });

  it('buy a job four times when the replies are lost', async () => {
    const { fal, client } = await clientAndEmulator();
    fal.fault({ match: { op: 'submit' }, times: 'always', action: { type: 'reset', accept: true } });
    await expect(client.queue.submit(PIXAL3D, pixal3d)).rejects.toThrow('fetch failed');
    expect(fal.ledger.accepted).toBe(4);
    expect([...fal.ledger.byInput().values()].map((jobs) => jobs.length)).toEqual([4]);
  });

  it('ask six times for a status that is answered with 500', async () => {
    const { fal, client } = await clientAndEmulator();
    const { request_id: requestId } = await client.queue.submit(PIXAL3D, pixal3d);
    fal.fault({ match: { op: 'status' }, times: 'always', action: { type: 'server', status: 500 } });
    await expect(client.queue.status(PIXAL3D, { requestId })).rejects.toMatchObject({ status: 500 });
    expect(fal.journal.count('queue', 'status')).toBe(6);
  });
});
