import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
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

/** One tool over three services: the same call means the same thing, and a refusal leads on, an unclear outcome never. */

let folder: string;
let fal: FalEmulator;
let pixazo: PixazoEmulator;
let scenario: ScenarioEmulator;
let client: TestClient;
let image: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  image = dataUri(await ballPng(1));
  fal = await startFalEmulator({ jobMs: 200 });
  pixazo = await startPixazoEmulator({ jobMs: 200, publicOrigins: [fal.urls.cdn] });
  scenario = await startScenarioEmulator({ jobMs: 200 });
});
afterEach(async () => {
  await client?.close();
  await Promise.all([fal.close(), pixazo.close(), scenario.close()]);
  await removeFolder(folder);
});

const KEYS = {
  fal: { FAL_KEY: FAL_TEST_KEY },
  pixazo: { PIXAZO_API_KEY: PIXAZO_TEST_KEY },
  scenario: { SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY, SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET },
};
type Name = keyof typeof KEYS;

async function start(...names: Name[]): Promise<void> {
  const hosts = [fal.urls.cdn, pixazo.urls.cdn, scenario.urls.cdn, scenario.urls.storage].map(
    (url) => new URL(url).host,
  );
  client = await connect(
    'v1',
    serverEnv(path.join(folder, 'data'), {
      ...Object.assign({}, ...names.map((name) => KEYS[name])),
      MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
      MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
      MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
      MESHWRIGHT_ALLOW_HOSTS: hosts.join(','),
      MESHWRIGHT_POLL_MS: '100',
    }),
  );
}

const make = (args: Record<string, unknown> = {}): Promise<ToolResult> =>
  client.call('pixal3d', { image_url: image, wait_seconds: 30, ...args });
const accepted = (): number => fal.ledger.accepted + pixazo.ledger.accepted + scenario.ledger.accepted;
const sent = (journal: FalEmulator['journal']): Record<string, unknown> => {
  const body: unknown = journal.entries({ op: 'submit' })[0]?.body;
  return isRecord(body) ? body : {};
};

describe('pixal3d', () => {
  it('is one tool with whichever key there is, and asks for the provider only where there is a choice', async () => {
    await start('scenario');
    const tool = (await client.listTools()).find(({ name }) => name === 'pixal3d');
    expect(JSON.stringify(tool?.inputSchema)).not.toContain('"provider"');
    expect((await make()).structured).toMatchObject({ status: 'succeeded', provider: 'scenario' });
    await client.close();
    await start('fal', 'pixazo', 'scenario');
    const all = (await client.listTools()).find(({ name }) => name === 'pixal3d');
    expect(JSON.stringify(all?.inputSchema)).toContain('"enum":["auto","fal","pixazo","scenario"]');
  });

  it('means the same over each of the three: equal effective parameters, one ledger entry each', async () => {
    await start('fal', 'pixazo', 'scenario');
    const asked = { seed: 7, texture_size: 1024, ss_sampling_steps: 20, tex_slat_guidance_strength: 2.5 };
    for (const provider of ['fal', 'pixazo', 'scenario']) {
      const result = await make({ ...asked, provider });
      expect(result.structured, result.text).toMatchObject({
        status: 'succeeded',
        provider,
        assets: [{ role: 'model', format: 'glb' }],
      });
    }
    const [a, b, c] = [sent(fal.journal), sent(pixazo.journal), sent(scenario.journal)];
    const { image_url: _a, ...falBody } = a;
    const { image_url: _b, ...pixazoBody } = b;
    expect(pixazoBody).toEqual(falBody);
    const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const { image: _c, generationResolution, resolution, ...rest } = c;
    const { ss_rescale_t: fixed, ...comparable } = falBody;
    expect(fixed).toBe(5);
    expect({
      ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [snake(key), value])),
      resolution: generationResolution,
      texture_size: resolution,
    }).toEqual(comparable);
    expect([fal.ledger.accepted, pixazo.ledger.accepted, scenario.ledger.accepted]).toEqual([1, 1, 1]);
  });

  it.each([
    ['402', { type: 'respond', status: 402, json: { detail: 'Payment required' } } as const],
    ['429 with a long wait', { type: 'throttle', retryAfter: 600 } as const],
    ['401', { type: 'auth', kind: 'unknown-key' } as const],
  ])('goes on to the next route after %s, is bought once, and says why', async (_name, action) => {
    await start('fal', 'pixazo', 'scenario');
    fal.fault({ match: { op: 'submit' }, times: 'always', action });
    const result = await make();
    expect(result.structured, result.text).toMatchObject({ status: 'succeeded' });
    expect(['pixazo', 'scenario']).toContain(result.structured?.['provider']);
    expect(result.structured?.['message']).toMatch(/fal refused/);
    expect(accepted()).toBe(1);
  });

  it('tells what each provider said when none takes the job', async () => {
    await start('fal', 'pixazo', 'scenario');
    const refusing = { match: { op: 'submit' }, times: 'always' } as const;
    fal.fault({
      ...refusing,
      action: { type: 'respond', status: 402, json: { detail: 'Payment required' } },
    });
    pixazo.fault({
      ...refusing,
      action: { type: 'respond', status: 401, json: { message: 'Access denied' } },
    });
    scenario.fault({
      ...refusing,
      action: { type: 'respond', status: 403, json: { reason: 'No such right' } },
    });
    const result = await make();
    expect(result.isError).toBe(true);
    expect(result.structured).toMatchObject({ status: 'failed', error: { charged: 'no' } });
    const message = String(result.structured?.['message']);
    expect(message).toMatch(/^No provider took the job\. /);
    for (const why of [
      /fal refused: .*billing/,
      /pixazo refused: .*PIXAZO_API_KEY/,
      /scenario refused: .*SCENARIO/i,
    ])
      expect(message).toMatch(why);
    expect(accepted()).toBe(0);
  });

  it('goes on when the first route refuses the connection', async () => {
    await start('fal', 'scenario');
    await fal.down('queue');
    const result = await make();
    expect(result.structured, result.text).toMatchObject({ status: 'succeeded', provider: 'scenario' });
    expect(accepted()).toBe(1);
  });

  it('never goes on after an outcome that is not known', async () => {
    await start('fal', 'pixazo', 'scenario');
    fal.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
    const result = await make();
    expect(result.structured).toMatchObject({ status: 'unconfirmed', provider: 'fal' });
    expect([
      fal.ledger.accepted,
      pixazo.journal.count('gateway', 'submit'),
      scenario.journal.count('api', 'submit'),
    ]).toEqual([1, 0, 0]);
  });

  it('passes over a provider that cannot do what was asked, and refuses it by name', async () => {
    await start('scenario', 'pixazo');
    const refused = await make({ ss_rescale_t: 2, provider: 'scenario' });
    expect(refused.isError).toBe(true);
    expect(refused.text).toMatch(/Scenario cannot set ss_rescale_t/);
    const passed = await make({ ss_rescale_t: 2, image_url: 'https://example.com/dog.png' });
    expect(passed.structured, passed.text).toMatchObject({ status: 'succeeded', provider: 'pixazo' });
  });

  it('reads the link again when Scenario lets it expire between reading and downloading', async () => {
    await start('scenario');
    scenario.fault({ match: { op: 'asset' }, times: 1, action: { type: 'asset', urlLifeMs: 0 } });
    const result = await make();
    expect(result.structured, result.text).toMatchObject({ status: 'succeeded' });
    expect(accepted()).toBe(1);
  });

  it('hosts a local image through fal for Pixazo, or says which ways out there are', async () => {
    await start('fal', 'pixazo');
    expect((await make({ provider: 'pixazo' })).structured).toMatchObject({
      status: 'succeeded',
      provider: 'pixazo',
    });
    expect(fal.ledger.accepted).toBe(0);
    await client.close();
    await start('pixazo');
    const alone = await make({ seed: 3 });
    expect(alone.isError).toBe(true);
    expect(alone.text).toMatch(/FAL_KEY/);
    expect(alone.text).toMatch(/public https URL/i);
  });

  it('passes Pixazo over for a local image where nobody hosts it and another provider takes it', async () => {
    await start('pixazo', 'scenario');
    const result = await make();
    expect(result.structured, result.text).toMatchObject({ status: 'succeeded', provider: 'scenario' });
    expect([pixazo.ledger.accepted, scenario.ledger.accepted]).toEqual([0, 1]);
  });
});
