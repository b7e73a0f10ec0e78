import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Costs, costsSchema } from '../../src/jobs/costs.js';
import { run } from '../cli/support.js';
import type { LedgerEntry } from '../emulator/common/ledger.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator, startPixazoEmulator } from '../emulator/pixazo.js';
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

/** The ledger of meshwright against the ledgers of the three providers, after jobs of every kind of end. */

let folder: string;
let env: Record<string, string>;
let fal: FalEmulator;
let pixazo: PixazoEmulator;
let scenario: ScenarioEmulator;
let client: TestClient;

const URL_IMAGE = 'https://storage.googleapis.com/falserverless/dog.png';

beforeAll(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 100 });
  pixazo = await startPixazoEmulator({ jobMs: 100 });
  scenario = await startScenarioEmulator({ jobMs: 100 });
  const hosts = [fal.urls.cdn, pixazo.urls.cdn, scenario.urls.cdn, scenario.urls.storage];
  env = {
    FAL_KEY: FAL_TEST_KEY,
    PIXAZO_API_KEY: PIXAZO_TEST_KEY,
    SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
    SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
    MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
    MESHWRIGHT_ALLOW_HOSTS: hosts.map((url) => new URL(url).host).join(','),
    MESHWRIGHT_POLL_MS: '50',
  };
  client = await connect('v1', serverEnv(path.join(folder, 'data'), env));
  await buy();
}, 180_000);
afterAll(async () => {
  await client?.close();
  await Promise.all([fal.close(), pixazo.close(), scenario.close()]);
  await removeFolder(folder);
});

/** Jobs that succeed, that fail and are billed all the same, that fail for nothing, and that are refused. */
async function buy(): Promise<void> {
  const image = dataUri(await ballPng(1));
  const call = (tool: string, args: Record<string, unknown>): Promise<ToolResult> =>
    client.call(tool, { wait_seconds: 30, force_new: true, ...args });
  const small = { resolution: 1024, texture_size: 1024 };
  const outcomes = [
    await call('triposr', { image_url: URL_IMAGE }),
    await call('triposr', { image_url: URL_IMAGE }),
    await call('pixal3d', { image_url: URL_IMAGE, provider: 'fal' }),
    await call('pixal3d', { image_url: URL_IMAGE, provider: 'pixazo' }),
    await call('pixal3d', { image_url: image, provider: 'scenario' }),
    await call('pixal3d', { image_url: image, provider: 'scenario', ...small }),
    await call('local_image_to_3d', { image_url: image, target_triangles: 500 }),
  ];
  for (const { structured, text } of outcomes)
    expect(structured, text).toMatchObject({ status: 'succeeded' });

  const failing = [
    [() => fal.fault(onSubmit({ failure: 'billed-422' })), { provider: 'fal' }, 'yes'],
    [() => fal.fault(onSubmit({ failure: 'internal-error' })), { provider: 'fal' }, 'no'],
    [() => scenario.fault(onSubmit(NOT_REFUNDED)), { provider: 'scenario' }, 'yes'],
    [() => scenario.fault(onSubmit({ failure: 'text' })), { provider: 'scenario' }, 'no'],
    [
      () => fal.fault({ ...at, action: { type: 'respond', status: 422, json: {} } }),
      { provider: 'fal' },
      'no',
    ],
  ] as const;
  for (const [prepare, args, charged] of failing) {
    prepare();
    const { structured, text } = await call('pixal3d', { image_url: image, ...args });
    expect(structured, text).toMatchObject({ status: 'failed', error: { charged } });
  }
}

const NOT_REFUNDED = {
  failure: { refunded: false },
  units: 12,
  body: { billing: { cuCost: 12, disableRefund: true } },
};
const at = { match: { op: 'submit' }, times: 1 } as const;
function onSubmit<Plan extends object>(plan: Plan): typeof at & { action: { type: 'job' } & Plan } {
  return { ...at, action: { type: 'job', ...plan } };
}

/** What a provider billed per model, in its own units. */
function unitsOf(entries: readonly LedgerEntry[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { endpoint, units } of entries) sums[endpoint] = (sums[endpoint] ?? 0) + units;
  return sums;
}

/** All days together: the run may see midnight. */
function of(
  costs: Costs,
  provider: string,
): { jobs: number; free: number; unknown: number; units: number[] } {
  const days = costs.days.filter((day) => day.provider === provider);
  const sum = (read: (day: Costs['days'][number]) => number | undefined): number =>
    days.reduce((total, day) => total + (read(day) ?? 0), 0);
  return {
    jobs: sum(({ jobs }) => jobs),
    free: sum(({ free }) => free),
    unknown: sum(({ unknown }) => unknown),
    units: days.flatMap(({ billed_units: units = [] }) => units.map(({ units: count }) => count)),
  };
}

async function listed(): Promise<Costs> {
  const { structured } = await client.call('list_jobs', { limit: 1 });
  return costsSchema.strict().parse(structured?.['costs']);
}

it('has every unit that the providers billed, and nothing that they did not', async () => {
  const costs = await listed();
  const billed = unitsOf(fal.ledger.entries());
  expect(billed).toMatchObject({ 'fal-ai/triposr': 2, 'fal-ai/pixal3d': 2.8 });
  const told = costs.days.flatMap(({ provider, billed_units: units = [] }) =>
    provider === 'fal' ? units : [],
  );
  expect(told).toEqual([
    { units: billed['fal-ai/pixal3d'], unit: 'billable units', model: 'fal-ai/pixal3d' },
    { units: billed['fal-ai/triposr'], unit: 'billable units', model: 'fal-ai/triposr' },
  ]);
  const creative = scenario.ledger.entries().reduce((sum, { units }) => sum + units, 0);
  expect(creative).toBeGreaterThan(0);
  expect(of(costs, 'scenario')).toEqual({ jobs: 4, free: 1, unknown: 3, units: [creative] });
  // Pixazo says nothing of money.
  expect(of(costs, 'pixazo')).toEqual({ jobs: 1, free: 0, unknown: 1, units: [] });
  expect(of(costs, 'fal')).toMatchObject({ jobs: 6, free: 2, unknown: 0 });
  expect(of(costs, 'local').jobs).toBe(0);
});

it('says in dollars only what has a price in dollars: here what fal billed, to the cent', async () => {
  const costs = await listed();
  const estimated = costs.days.reduce((sum, day) => sum + day.estimate_usd, 0);
  expect(estimated).toBeCloseTo(fal.ledger.usd, 6);
  expect(fal.ledger.usd).toBeCloseTo(0.07 * 2 + 0.42 * 2);
});

it('is in the first page only', async () => {
  const first = await client.call('list_jobs', { limit: 1 });
  const next = await client.call('list_jobs', { limit: 1, cursor: first.structured?.['next_cursor'] });
  expect(next.structured).toHaveProperty('jobs');
  expect(next.structured).not.toHaveProperty('costs');
});

it('is the same on the terminal, with the free jobs beside', async () => {
  const data = path.join(folder, 'data');
  const json = await run(data, ['jobs', '--costs', '--json'], { env });
  const costs = costsSchema.strict().parse(JSON.parse(json.stdout));
  const paid = costs.days.filter(({ provider }) => provider !== 'local');
  expect(paid).toEqual((await listed()).days);
  expect(of(costs, 'local')).toMatchObject({ jobs: 1, free: 1 });

  const text = await run(data, ['jobs', '--costs', '--max-usd-per-day=5'], { env });
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(/^DAY \(UTC\) +PROVIDER +JOBS +FREE +ESTIMATE +BILLED +UNKNOWN$/m);
  expect(text.stdout).toMatch(/^\d{4}-\d\d-\d\d +scenario +4 +1 +\$0\.00 +\d+ creative units +3$/m);
  expect(text.stdout).toMatch(/fal +6 +2 +\$0\.98 +2\.8 billable units of fal-ai\/pixal3d, 2 billable units/);
  expect(text.stdout).toMatch(/pixazo +1 +0 +\$0\.00 +not told +1$/m);
  expect(text.stderr).toMatch(/\$0\.98 of the \$5\.00 .* is spent or held today \(UTC\)/);
  expect(text.stderr).toMatch(/4 jobs are in no sum of dollars/);

  const wrong = await run(data, ['jobs', '--costs', '--days=0'], { env });
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/--days must be a whole number/);
});
