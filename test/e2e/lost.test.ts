import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  SCENARIO_TEST_KEY,
  SCENARIO_TEST_SECRET,
  type ScenarioEmulator,
  startScenarioEmulator,
} from '../emulator/scenario.js';
import {
  connect,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';

/** A job whose submit got no answer, where the provider lists its jobs: it is found there, and never bought twice. */

let folder: string;
let scenario: ScenarioEmulator;
let client: TestClient;
let image: string;

async function start(key = SCENARIO_TEST_KEY): Promise<TestClient> {
  const { api, cdn, storage } = scenario.urls;
  return connect(
    'v1',
    serverEnv(path.join(folder, 'data'), {
      SCENARIO_SDK_API_KEY: key,
      SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
      MESHWRIGHT_SCENARIO_URL: api,
      MESHWRIGHT_ALLOW_HOSTS: [cdn, storage].map((url) => new URL(url).host).join(','),
      MESHWRIGHT_POLL_MS: '100',
    }),
  );
}

beforeEach(async () => {
  folder = await temporaryFolder();
  scenario = await startScenarioEmulator({ jobMs: 200 });
  image = dataUri(await ballPng(1));
  client = await start();
});
afterEach(async () => {
  await client.close().catch(() => undefined);
  await scenario.close();
  await removeFolder(folder);
});

const make = (args: Record<string, unknown> = {}): Promise<ToolResult> =>
  client.call('pixal3d', { image_url: image, wait_seconds: 20, ...args });
const statusOf = (result: ToolResult) => async (): Promise<unknown> =>
  (await client.call('get_job', { job_id: result.structured?.['job_id'] })).structured?.['status'];
const waitFor = ({ structured }: ToolResult, seconds = 20): Promise<ToolResult> =>
  client.call('wait_for_job', { job_id: structured?.['job_id'], wait_seconds: seconds });
const submits = (): number => scenario.journal.count('api', 'submit');
const loseAnswer = (accept: boolean): void =>
  void scenario.fault({ match: { op: 'submit' }, action: { type: 'reset', accept } });
const listFails = (times: number | 'always'): { remove(): void } =>
  scenario.fault({ match: { op: 'list' }, times, action: { type: 'server', status: 503 } });

describe('a job whose answer was lost', () => {
  it('is found in the list and finished in the same call', async () => {
    loseAnswer(true);
    const done = await make();
    expect(done.structured, done.text).toMatchObject({
      status: 'succeeded',
      cost_usd: { billed_units: expect.any(Number) },
    });
    expect(done.structured).not.toHaveProperty('error');
    expect(submits()).toBe(1);
    expect(scenario.ledger.accepted).toBe(1);
  });

  it('is found after the server was killed while it waited for the answer', async () => {
    scenario.fault({ match: { op: 'submit' }, action: { type: 'stall', at: 'headers', accept: true } });
    const call = make().catch(() => undefined);
    await expect.poll(() => scenario.ledger.accepted, { timeout: 10_000 }).toBe(1);
    if (client.pid !== null) process.kill(client.pid, 'SIGKILL');
    await call;
    await client.close().catch(() => undefined);
    client = await start();
    const done = await make();
    expect(done.structured, done.text).toMatchObject({ status: 'succeeded', deduplicated: true });
    expect(submits()).toBe(1);
  });

  it('is not looked for among the jobs of another key', async () => {
    const broken = listFails('always');
    loseAnswer(true);
    const first = await make({ wait_seconds: 0 });
    await expect.poll(statusOf(first), { timeout: 20_000 }).toBe('unconfirmed');
    await client.close();
    broken.remove();
    const listed = scenario.journal.count('api', 'list');
    client = await start('another-key');
    const asked = async (): Promise<string> =>
      (await client.call('get_job', { job_id: first.structured?.['job_id'] })).text;
    await expect
      .poll(asked, { timeout: 20_000 })
      .toMatch(/is another than the one it was bought with; set that one again/);
    expect(await asked()).not.toContain('probably not accepted');
    expect(scenario.journal.count('api', 'list')).toBe(listed);
    await client.close();
    client = await start();
    expect((await waitFor(first)).structured).toMatchObject({ status: 'succeeded' });
  });

  it('is told as unconfirmed while the list cannot be read, and found once it can', async () => {
    loseAnswer(true);
    const broken = listFails('always');
    let lost = await make({ wait_seconds: 0 });
    // The same call finds its job.
    await expect
      .poll(async () => (lost = await make({ wait_seconds: 0 })).text, { timeout: 20_000 })
      .toMatch(/cannot be read.*503/);
    expect(lost.isError).toBe(true);
    expect(lost.structured).toMatchObject({
      status: 'unconfirmed',
      error: {
        code: 'unconfirmed',
        charged: 'unknown',
        message: expect.stringMatching(/cannot be read.*503/),
      },
      next: expect.stringMatching(/wait_for_job.*Ask the user before buying it again/),
    });
    const listed = await client.call('list_jobs', { status: 'unconfirmed' });
    expect(listed.structured?.['jobs']).toMatchObject([{ job_id: lost.structured?.['job_id'] }]);
    broken.remove();
    const done = await waitFor(lost);
    expect(done.structured, done.text).toMatchObject({ status: 'succeeded' });
    expect(submits()).toBe(1);
  });

  it('that is not there ends unconfirmed, with where to look', async () => {
    loseAnswer(false);
    const lost = await make();
    expect(lost.structured, lost.text).toMatchObject({
      status: 'unconfirmed',
      message: expect.stringMatching(/not among the jobs.*https:\/\/app\.scenario\.com/),
      next: expect.stringMatching(/ask the user.*https:\/\/app\.scenario\.com.*force_new/i),
    });
    expect(submits()).toBe(1);
    expect(scenario.ledger.accepted).toBe(0);
    const bought = await make({ force_new: true });
    expect(bought.structured).toMatchObject({ status: 'succeeded' });
    expect(scenario.ledger.accepted).toBe(1);
  });

  it('that was given up is looked for once more whenever somebody waits for it', async () => {
    loseAnswer(true);
    const hidden = scenario.fault({
      match: { op: 'list' },
      times: 'always',
      action: { type: 'respond', status: 200, json: { jobs: [] } },
    });
    const lost = await make();
    expect(lost.structured).toMatchObject({
      status: 'unconfirmed',
      message: expect.stringMatching(/not among/),
    });
    hidden.remove();
    const done = await waitFor(lost);
    expect(done.structured, done.text).toMatchObject({ status: 'succeeded' });
    expect(submits()).toBe(1);
  });

  it('that cannot be told from another one is left alone', async () => {
    loseAnswer(true);
    const broken = listFails('always');
    const lost = await make({ wait_seconds: 0 });
    await expect.poll(statusOf(lost), { timeout: 20_000 }).toBe('unconfirmed');
    const [job] = scenario.jobs.all();
    await fetch(`${scenario.urls.api}/generate/custom/model_pixal3d`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(job?.body),
    });
    broken.remove();
    const still = await waitFor(lost);
    expect(still.structured, still.text).toMatchObject({
      status: 'unconfirmed',
      message: expect.stringMatching(/2 jobs like it/),
    });
    expect(submits()).toBe(2);
  });

  it('and its twin are found one each', async () => {
    loseAnswer(true);
    const broken = listFails('always');
    const first = await make({ wait_seconds: 1 });
    broken.remove();
    const done = await waitFor(first);
    loseAnswer(true);
    const second = await make({ force_new: true });
    for (const { structured } of [done, second]) expect(structured).toMatchObject({ status: 'succeeded' });
    expect(second.structured?.['job_id']).not.toBe(done.structured?.['job_id']);
    expect(scenario.ledger.accepted).toBe(2);
  });
});
