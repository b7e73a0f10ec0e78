import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '../cli/support.js';
import { FAL_TEST_KEY, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator, startPixazoEmulator } from '../emulator/pixazo.js';
import {
  connect,
  connectHttp,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../support/clients.js';
import { startHttpProcess } from '../support/http-server.js';
import { ballPng, dataUri } from '../support/images.js';

/** A job that was bought with a key which is not there any more, or not here: what another account is denied proves nothing. */

const OTHER_KEY = 'another-key';
const IMAGE = 'https://images.example/cup.png';

let folder: string;
let pixazo: PixazoEmulator;
let client: TestClient | undefined;

const envWith = (key: string): Record<string, string> =>
  serverEnv(path.join(folder, 'data'), {
    PIXAZO_API_KEY: key,
    MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
    MESHWRIGHT_ALLOW_HOSTS: new URL(pixazo.urls.cdn).host,
    MESHWRIGHT_POLL_MS: '20',
  });
const start = async (key: string): Promise<TestClient> => {
  await client?.close();
  client = await connect('v1', envWith(key));
  return client;
};
const wait = (from: TestClient, { structured }: ToolResult, seconds: number): Promise<ToolResult> =>
  from.call('wait_for_job', { job_id: structured?.['job_id'], wait_seconds: seconds });
const look = (from: TestClient, { structured }: ToolResult): Promise<ToolResult> =>
  from.call('get_job', { job_id: structured?.['job_id'] });

beforeEach(async () => {
  folder = await temporaryFolder();
  pixazo = await startPixazoEmulator({ jobMs: 1_000, keys: [PIXAZO_TEST_KEY, OTHER_KEY] });
});
afterEach(async () => {
  await client?.close().catch(() => undefined);
  client = undefined;
  await pixazo.close();
  await removeFolder(folder);
});

it('waits for the key that it was bought with, and is fetched with it', async () => {
  const bought = await (await start(PIXAZO_TEST_KEY)).call('pixal3d', { image_url: IMAGE, wait_seconds: 0 });
  await expect.poll(() => pixazo.ledger.accepted, { timeout: 10_000 }).toBe(1);

  // To another account, Pixazo has no such request.
  const denials = ['status', 'result'].map((op) =>
    pixazo.fault({
      match: { op },
      times: 'always',
      action: { type: 'respond', status: 404, json: { detail: 'Not found' } },
    }),
  );
  const other = await start(OTHER_KEY);
  await expect
    .poll(async () => (await look(other, bought)).text, { timeout: 20_000 })
    .toMatch(/another than the one it was bought with; set that one again \(PIXAZO_API_KEY\)/);
  expect((await look(other, bought)).structured?.['status']).toMatch(/queued|running/);

  for (const denial of denials) denial.remove();
  const back = await start(PIXAZO_TEST_KEY);
  const done = await back.call('wait_for_job', { job_id: bought.structured?.['job_id'], wait_seconds: 30 });
  expect(done.structured, done.text).toMatchObject({ status: 'succeeded' });
  expect(pixazo.ledger.accepted).toBe(1);
});

it.each([403, 404])('is told why its files are not to be had when they answer %i', async (status) => {
  const file = pixazo.fault({
    match: { op: 'download' },
    times: 'always',
    action: { type: 'server', status },
  });
  const first = await start(PIXAZO_TEST_KEY);
  const bought = await first.call('pixal3d', { image_url: IMAGE, wait_seconds: 0 });
  await expect
    .poll(async () => (await wait(first, bought, 1)).text, { timeout: 20_000 })
    .toMatch(/Done at pixazo, but its files are not here yet/);
  const denial = pixazo.fault({
    match: { op: 'status' },
    times: 'always',
    action: { type: 'respond', status: 404, json: { detail: 'Not found' } },
  });
  const other = await start(OTHER_KEY);
  await expect
    .poll(async () => (await wait(other, bought, 0)).text, { timeout: 20_000 })
    .toMatch(/refused, maybe because the key of Pixazo that is set now is another/);
  file.remove();
  denial.remove();
  const done = await wait(await start(PIXAZO_TEST_KEY), bought, 30);
  expect(done.structured, done.text).toMatchObject({ status: 'succeeded' });
});

it('is not told to have ended when it cannot be cancelled with another key', async () => {
  const fal = await startFalEmulator({ jobMs: 60_000, keys: [FAL_TEST_KEY, 'another:key'] });
  const startWith = (key: string): Promise<TestClient> =>
    connect(
      'v1',
      serverEnv(path.join(folder, 'data'), {
        FAL_KEY: key,
        MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
        MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      }),
    );
  try {
    const first = await startWith(FAL_TEST_KEY);
    const bought = await first.call('pixal3d', { image_url: IMAGE, wait_seconds: 0 });
    await expect.poll(() => fal.ledger.accepted, { timeout: 10_000 }).toBe(1);
    await first.close();
    for (const op of ['status', 'stream', 'cancel'])
      fal.fault({ match: { op }, times: 'always', action: { type: 'server', status: 404 } });
    client = await startWith('another:key');
    const asked = await client.call('cancel_job', { job_id: bought.structured?.['job_id'] });
    expect(asked.text).toMatch(
      /fal does not know it: .* set that one again \(FAL_KEY\)\. The job goes on; call cancel_job again then/,
    );
    expect(asked.structured?.['status']).toMatch(/queued|running/);
  } finally {
    await fal.close();
  }
});

it('is fetched with another key of the same account', async () => {
  const bought = await (await start(PIXAZO_TEST_KEY)).call('pixal3d', { image_url: IMAGE, wait_seconds: 0 });
  await expect.poll(() => pixazo.ledger.accepted, { timeout: 10_000 }).toBe(1);
  const done = await (
    await start(OTHER_KEY)
  ).call('wait_for_job', { job_id: bought.structured?.['job_id'], wait_seconds: 30 });
  expect(done.structured, done.text).toMatchObject({ status: 'succeeded' });
});

it('is lost when the key is the same and Pixazo denies it', async () => {
  const bought = await (await start(PIXAZO_TEST_KEY)).call('pixal3d', { image_url: IMAGE, wait_seconds: 0 });
  await expect.poll(() => pixazo.ledger.accepted, { timeout: 10_000 }).toBe(1);
  for (const op of ['status', 'result'])
    pixazo.fault({
      match: { op },
      times: 'always',
      action: { type: 'respond', status: 404, json: { detail: 'Not found' } },
    });
  const again = await start(PIXAZO_TEST_KEY);
  await expect
    .poll(async () => (await look(again, bought)).structured, { timeout: 20_000 })
    .toMatchObject({ status: 'failed', error: { code: 'result_expired', charged: 'unknown' } });
});

it('of a principal is left to the server that knows its key, not asked about by another one on the same data', async () => {
  const token = `mw_${'a'.repeat(43)}`;
  const tokens = path.join(folder, 'tokens.json');
  const ada = {
    name: 'ada',
    token_sha256: createHash('sha256').update(token).digest('hex'),
    keys: { PIXAZO_API_KEY: PIXAZO_TEST_KEY },
  };
  await writeFile(tokens, JSON.stringify({ principals: [ada] }));
  const env = { ...envWith(OTHER_KEY), MESHWRIGHT_TOKENS: tokens };
  const headers = { authorization: `Bearer ${token}` };
  let server = await startHttpProcess(env);
  try {
    const first = await connectHttp('v1', `${server.origin}/mcp`, headers);
    const bought = await first.call('pixal3d', { image_url: IMAGE, wait_seconds: 0 });
    // It asks about a job only once it has noted that it was accepted.
    await expect.poll(() => pixazo.journal.count('gateway', 'status')).toBeGreaterThan(0);
    expect(pixazo.ledger.accepted).toBe(1);
    await first.close();
    await server.stop('SIGKILL');

    const doctor = async (): Promise<string> =>
      (await run(path.join(folder, 'data'), ['doctor'], { env: envWith(OTHER_KEY) })).stdout;
    await expect
      .poll(doctor, { timeout: 30_000 })
      .toMatch(/it is ada's, and no `meshwright http` is at work on it: start it/);

    const asked = pixazo.journal.count('gateway', 'status');
    const stdio = await start(OTHER_KEY);
    await stdio.call('local_image_to_3d', { image_url: dataUri(await ballPng(1)), wait_seconds: 30 });
    await pause(1_000);
    expect(pixazo.journal.count('gateway', 'status')).toBe(asked);

    server = await startHttpProcess(env);
    const again = await connectHttp('v1', `${server.origin}/mcp`, headers);
    const done = await again.call('wait_for_job', {
      job_id: bought.structured?.['job_id'],
      wait_seconds: 30,
    });
    await again.close();
    expect(done.structured, done.text).toMatchObject({ status: 'succeeded' });
    expect(pixazo.ledger.accepted).toBe(1);
  } finally {
    await server.stop();
  }
});
