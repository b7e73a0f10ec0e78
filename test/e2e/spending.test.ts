import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { run } from '../cli/support.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import {
  SCENARIO_TEST_KEY,
  SCENARIO_TEST_SECRET,
  type ScenarioEmulator,
  startScenarioEmulator,
} from '../emulator/scenario.js';
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

/** What the caps promise, over the real server and against what the providers would bill. */

let folder: string;
let fal: FalEmulator;
let scenario: ScenarioEmulator;
const clients: TestClient[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 100 });
  scenario = await startScenarioEmulator({ jobMs: 100 });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await Promise.all([fal.close(), scenario.close()]);
  await removeFolder(folder);
});

function falSettings(): Record<string, string> {
  return {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
    MESHWRIGHT_POLL_MS: '50',
  };
}

function withoutCap(costs: unknown): unknown {
  return isRecord(costs) ? { spent_today_usd: costs['spent_today_usd'], days: costs['days'] } : undefined;
}

async function start(extra: Record<string, string>): Promise<TestClient> {
  const hosts = [fal.urls.cdn, scenario.urls.cdn, scenario.urls.storage].map((url) => new URL(url).host);
  const client = await connect(
    'v1',
    serverEnv(path.join(folder, 'data'), {
      ...falSettings(),
      MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
      MESHWRIGHT_ALLOW_HOSTS: hosts.join(','),
      ...extra,
    }),
  );
  clients.push(client);
  return client;
}

const SCENARIO_KEYS = {
  SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
  SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
};

const picture = (name: string | number): string => `https://storage.googleapis.com/falserverless/${name}.png`;

/** What a call was told when it was refused. */
function refusal(result: ToolResult): Record<string, unknown> {
  const from: unknown = result.structured ?? JSON.parse(result.text);
  return isRecord(from) && isRecord(from['error']) ? from['error'] : {};
}

async function prices(rows: { provider: string; model: string; usd: number | null }[]): Promise<string> {
  const file = path.join(folder, 'prices.json');
  await writeFile(file, JSON.stringify({ prices: rows }));
  return file;
}

describe('the cap of a day', () => {
  it('holds for all calls of two servers on one data folder together', async () => {
    const both = await Promise.all([1, 2].map(() => start({ MESHWRIGHT_MAX_USD_PER_DAY: '0.35' })));
    const calls = both.flatMap((client, at) =>
      [1, 2, 3, 4, 5, 6].map((n) =>
        client.call('triposr', { image_url: picture(`${at}-${n}`), wait_seconds: 30 }),
      ),
    );
    const results = await Promise.all(calls);
    expect(results.filter(({ structured }) => structured?.['status'] === 'succeeded')).toHaveLength(5);
    const refused = results.filter(({ isError }) => isError).map(refusal);
    expect(refused).toHaveLength(7);
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'over_budget', charged: 'no' });
      expect(error['message']).toMatch(
        /\$0\.07.*\$0\.35 is spent or held today.*leaves \$0\.00 of the \$0\.35/,
      );
    }
    expect(fal.ledger.accepted).toBe(5);
    expect(fal.ledger.usd).toBeCloseTo(0.35);
  });

  it('is given back by a job that cost nothing, and not by one whose charge is not known', async () => {
    const client = await start({ MESHWRIGHT_MAX_USD_PER_DAY: '0.1' });
    const make = (name: string): Promise<ToolResult> =>
      client.call('triposr', { image_url: picture(name), wait_seconds: 30 });
    fal.fault({
      match: { op: 'submit' },
      times: 1,
      action: { type: 'respond', status: 422, json: { detail: 'no' } },
    });
    expect(refusal(await make('a'))).toMatchObject({ charged: 'no' });

    fal.fault({ match: { op: 'submit' }, times: 1, action: { type: 'reset', accept: true } });
    expect((await make('b')).structured).toMatchObject({ status: 'unconfirmed' });
    expect(refusal(await make('c'))).toMatchObject({
      code: 'over_budget',
      message: expect.stringMatching(/\$0\.07 is spent or held/),
    });
    expect(fal.ledger.accepted).toBe(1);
  });

  it('lets an equal call find its job although nothing is left', async () => {
    const client = await start({ MESHWRIGHT_MAX_USD_PER_DAY: '0.07' });
    const call = { image_url: picture('same'), wait_seconds: 30 };
    const first = await client.call('triposr', call);
    const second = await client.call('triposr', call);
    expect(second.structured).toMatchObject({
      deduplicated: true,
      job_id: first.structured?.['job_id'],
    });
    expect(refusal(await client.call('triposr', { ...call, force_new: true }))).toMatchObject({
      code: 'over_budget',
    });
    expect(fal.ledger.accepted).toBe(1);
  });
});

it('the cap of one principal is not used up by another, and each sees its own costs', async () => {
  const tokens = path.join(folder, 'tokens.json');
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const principals = ['ada', 'bob'].map((name) => ({ name, token_sha256: hash(name), max_usd_per_day: 0.1 }));
  await writeFile(tokens, JSON.stringify({ principals }));
  const server = await startHttpProcess({
    ...serverEnv(path.join(folder, 'data'), { ...falSettings(), MESHWRIGHT_TOKENS: tokens }),
  });
  const [ada, bob] = await Promise.all(
    ['ada', 'bob'].map((token) =>
      connectHttp('v1', `${server.origin}/mcp`, { authorization: `Bearer ${token}` }),
    ),
  );
  if (!ada || !bob) throw new Error('Both are there.');
  clients.push(ada, bob);
  try {
    const make = (client: TestClient, name: string): Promise<ToolResult> =>
      client.call('triposr', { image_url: picture(name), wait_seconds: 0 });
    const costs = async (client: TestClient): Promise<unknown> =>
      (await client.call('list_jobs', {})).structured?.['costs'];
    const bought = await make(ada, 'a');
    expect(bought.isError).toBe(false);
    expect(refusal(await make(ada, 'b'))).toMatchObject({
      code: 'over_budget',
      message: expect.stringContaining("the token's max_usd_per_day"),
    });
    expect(await costs(bob)).toEqual({ spent_today_usd: 0, max_usd_per_day: 0.1, days: [] });
    expect((await make(bob, 'a')).isError).toBe(false);
    for (const client of [ada, bob]) {
      expect(await costs(client)).toMatchObject({
        spent_today_usd: 0.07,
        days: [{ provider: 'fal', jobs: 1 }],
      });
    }
    // What is billed is known when it ends.
    await ada.call('wait_for_job', { job_id: bought.structured?.['job_id'], wait_seconds: 50 });
    const json = await run(path.join(folder, 'data'), ['jobs', '--costs', '--principal=ada', '--json']);
    expect(JSON.parse(json.stdout)).toEqual(await costs(ada).then(withoutCap));
  } finally {
    await server.stop();
  }
});

describe('an unknown price', () => {
  it('counts as over the cap until the user gives one', async () => {
    const call = { image_url: dataUri(await ballPng(2)), provider: 'scenario', wait_seconds: 30 };
    const cap = { ...SCENARIO_KEYS, MESHWRIGHT_MAX_USD_PER_JOB: '0.5' };
    const unknown = refusal(await (await start(cap)).call('pixal3d', call));
    expect(unknown).toMatchObject({ code: 'over_budget', charged: 'no' });
    expect(unknown['message']).toMatch(/pixal3d over scenario is not known.*\$0\.50.*MESHWRIGHT_PRICES/);
    expect(scenario.ledger.accepted).toBe(0);

    const file = await prices([{ provider: 'scenario', model: 'model_pixal3d', usd: 0.4 }]);
    const known = await (await start({ ...cap, MESHWRIGHT_PRICES: file })).call('pixal3d', call);
    expect(known.structured, known.text).toMatchObject({
      status: 'succeeded',
      cost_usd: { estimate: 0.4, billed_units: expect.any(Number) },
    });
  });
});

describe('a refusal of the first route', () => {
  const refuse = { type: 'respond', status: 402, json: { detail: 'Payment required' } } as const;

  it('leads under a cap to no dearer one, and to one that costs the same', async () => {
    const image = dataUri(await ballPng(3));
    const make = async (usd: number | null): Promise<ToolResult> => {
      const file = await prices([{ provider: 'scenario', model: 'model_pixal3d', usd }]);
      const env = { ...SCENARIO_KEYS, MESHWRIGHT_PRICES: file, MESHWRIGHT_MAX_USD_PER_JOB: '5' };
      return (await start(env)).call('pixal3d', { image_url: image, wait_seconds: 30, force_new: true });
    };
    fal.fault({ match: { op: 'submit' }, times: 'always', action: refuse });
    for (const usd of [0.43, null]) {
      expect((await make(usd)).structured).toMatchObject({
        status: 'failed',
        provider: 'fal',
        error: { code: 'provider_refused', charged: 'no' },
      });
    }
    expect(scenario.ledger.accepted).toBe(0);
    expect((await make(0.42)).structured).toMatchObject({ status: 'succeeded', provider: 'scenario' });
    expect(scenario.ledger.accepted).toBe(1);
  });

  it('does not leave later calls with a route that the cap forbids', async () => {
    const client = await start({ ...SCENARIO_KEYS, MESHWRIGHT_MAX_USD_PER_JOB: '0.5' });
    const make = async (): Promise<ToolResult> =>
      client.call('pixal3d', { image_url: dataUri(await ballPng(4)), wait_seconds: 30 });
    fal.fault({ match: { op: 'submit' }, times: 1, action: refuse });
    expect((await make()).structured).toMatchObject({ status: 'failed', provider: 'fal' });
    expect((await make()).structured).toMatchObject({ status: 'succeeded', provider: 'fal' });
  });
});
