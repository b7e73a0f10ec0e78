import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { openStore } from '../../src/store/index.js';
import { aJob } from '../store/support/rows.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import {
  connect,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';

/** The twelve fal models through the real server, against the emulator: what is sent, stored and billed. */

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
  fal = await startFalEmulator({ jobMs: 300 });
  client = await connect('v1', env());
});
afterEach(async () => {
  await client.close();
  await fal.close();
  await removeFolder(folder);
});

const submits = (): { endpoint: string | undefined; body: unknown }[] =>
  fal.journal.entries({ op: 'submit' }).map(({ endpoint, body }) => ({ endpoint, body }));
const error = (result: ToolResult): Record<string, unknown> => {
  const from = result.structured ?? JSON.parse(result.text);
  return isRecord(from) && isRecord(from['error']) ? from['error'] : {};
};

const SAMPLES = 'https://storage.googleapis.com/falserverless';

/** Each endpoint's own example input, what its body must hold, and the formats that must be stored. */
const EXAMPLES: [
  tool: string,
  endpoint: string,
  args: Record<string, unknown>,
  body: Record<string, unknown>,
  formats: string[],
][] = [
  [
    'pixal3d',
    'fal-ai/pixal3d',
    { image_url: `${SAMPLES}/example_inputs/dog.png`, resolution: '1024' },
    { resolution: 1024, texture_size: 2048, remesh: true, tex_slat_guidance_rescale: 0 },
    ['glb'],
  ],
  [
    'reconviagen',
    'fal-ai/reconviagen-0.5',
    {
      image_urls: [
        `${SAMPLES}/model_tests/video_models/front.png`,
        `${SAMPLES}/model_tests/video_models/back.png`,
        `${SAMPLES}/model_tests/video_models/left.png`,
      ],
    },
    { decimation_target: 500_000, ss_source: 'mesh' },
    ['glb'],
  ],
  [
    'tripo_image_to_3d',
    'tripo3d/tripo/v2.5/image-to-3d',
    { image_url: 'https://platform.tripo3d.ai/assets/front-235queJB.jpg' },
    { texture: 'standard', pbr: false },
    ['glb'],
  ],
  [
    'tripo_multiview_to_3d',
    'tripo3d/tripo/v2.5/multiview-to-3d',
    {
      front_image_url: 'https://platform.tripo3d.ai/assets/front-235queJB.jpg',
      left_image_url: 'https://platform.tripo3d.ai/assets/left-Nfdj2U8P.jpg',
      back_image_url: 'https://platform.tripo3d.ai/assets/back-6vq1a8L4.jpg',
      right_image_url: 'https://platform.tripo3d.ai/assets/right-hj57H4if.jpg',
    },
    { orientation: 'default' },
    ['glb'],
  ],
  [
    'hunyuan3d_v21',
    'fal-ai/hunyuan3d-v21',
    { input_image_url: `${SAMPLES}/model_tests/video_models/robot.png` },
    { num_inference_steps: 50 },
    ['glb', 'zip'],
  ],
  [
    'hunyuan3d_v2',
    'fal-ai/hunyuan3d/v2',
    { input_image_url: `${SAMPLES}/model_tests/video_models/robot.png` },
    { octree_resolution: 256 },
    ['glb'],
  ],
  [
    'hunyuan3d_v2_turbo',
    'fal-ai/hunyuan3d/v2/turbo',
    { input_image_url: `${SAMPLES}/model_tests/video_models/robot.png` },
    { guidance_scale: 7.5 },
    ['glb'],
  ],
  [
    'hunyuan3d_v2_multi_view',
    'fal-ai/hunyuan3d/v2/multi-view',
    {
      front_image_url: `${SAMPLES}/model_tests/video_models/front.png`,
      back_image_url: `${SAMPLES}/model_tests/video_models/back.png`,
      left_image_url: `${SAMPLES}/model_tests/video_models/left.png`,
    },
    { textured_mesh: false },
    ['glb'],
  ],
  [
    'rodin',
    'fal-ai/hyper3d/rodin',
    {
      prompt: 'A futuristic robot with sleek metallic design.',
      input_image_urls: `${SAMPLES}/model_tests/video_models/robot.png`,
      material: 'Shaded',
    },
    {
      input_image_urls: [`${SAMPLES}/model_tests/video_models/robot.png`],
      material: 'Shaded',
      tier: 'Regular',
    },
    ['glb'],
  ],
  [
    'trellis',
    'fal-ai/trellis',
    { image_url: `${SAMPLES}/web-examples/rodin3d/warriorwoman.png` },
    { mesh_simplify: 0.95, texture_size: 1024 },
    ['glb'],
  ],
  [
    'trellis_multi',
    'fal-ai/trellis/multi',
    {
      image_urls: [
        `${SAMPLES}/model_tests/video_models/front.png`,
        `${SAMPLES}/model_tests/video_models/back.png`,
      ],
    },
    { multiimage_algo: 'stochastic' },
    ['glb'],
  ],
  [
    'triposr',
    'fal-ai/triposr',
    {
      image_url:
        'https://raw.githubusercontent.com/VAST-AI-Research/TripoSR/ea034e12a428fa848684a3f9f267b2042d298ca6/examples/hamburger.png',
    },
    { output_format: 'glb', mc_resolution: 256 },
    ['glb'],
  ],
];

describe('with its documented example', () => {
  it.each(EXAMPLES)(
    '%s sends the right body, stores its files and is billed once',
    async (tool, endpoint, args, body, formats) => {
      const result = await client.call(tool, args);
      expect(result.isError, result.text).toBe(false);
      expect(result.structured).toMatchObject({
        status: 'succeeded',
        tool,
        provider: 'fal',
        model: endpoint,
      });
      expect(submits()).toMatchObject([{ endpoint, body }]);
      const assets = Array.isArray(result.structured?.['assets'])
        ? result.structured['assets'].filter(isRecord)
        : [];
      const stored = assets.map(({ format }) => format);
      for (const format of formats) expect(stored).toContain(format);
      expect(assets[0]).toMatchObject({ role: 'model', format: formats[0] });
      expect(fal.ledger.entries()).toMatchObject([{ endpoint, state: 'billed' }]);
      const { estimate } = isRecord(result.structured?.['cost_usd'])
        ? result.structured['cost_usd']
        : { estimate: undefined };
      if (typeof estimate === 'number' && fal.ledger.usd > 0) expect(estimate).toBeCloseTo(fal.ledger.usd, 3);
      for (const { headers } of fal.journal.entries({ role: 'cdn' }))
        expect(JSON.stringify(headers)).not.toContain('emulator-key');
    },
  );
});

describe('what comes out', () => {
  it('is told apart by its bytes: quads are FBX, OBJ has its archive', async () => {
    const quad = await client.call('tripo_image_to_3d', { image_url: `${SAMPLES}/a.png`, quad: true });
    expect(quad.structured?.['assets']).toMatchObject([
      { role: 'model', format: 'fbx' },
      { role: 'preview' },
    ]);
    expect(quad.structured?.['cost_usd']).toMatchObject({ estimate: 0.35 });
    const obj = await client.call('triposr', { image_url: `${SAMPLES}/a.png`, output_format: 'obj' });
    expect(obj.structured?.['assets']).toMatchObject([
      { role: 'model', format: 'obj' },
      { role: 'archive', format: 'zip' },
    ]);
  });

  it('is a failure in words when fal says so, with what is known about the charge', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'content-policy' } });
    const refused = await client.call('trellis', { image_url: `${SAMPLES}/bad.png` });
    expect(refused.isError).toBe(true);
    expect(refused.structured).toMatchObject({ status: 'failed' });
    expect(error(refused)).toMatchObject({ code: 'provider_failed' });
    expect(String(error(refused)['message'])).toMatch(/content|policy/i);
  });
});

describe('money', () => {
  it('is not spent twice when the reply to a submit is lost', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
    const result = await client.call('trellis', { image_url: `${SAMPLES}/a.png` });
    expect(result.isError).toBe(true);
    expect(result.structured).toMatchObject({ status: 'unconfirmed', error: { charged: 'unknown' } });
    expect(result.structured?.['next']).toMatch(/ask the user/i);
    expect(fal.ledger.accepted).toBe(1);
    const again = await client.call('trellis', { image_url: `${SAMPLES}/a.png` });
    expect(again.structured).toMatchObject({
      job_id: result.structured?.['job_id'],
      status: 'unconfirmed',
      deduplicated: true,
    });
    expect(submits()).toHaveLength(1);
  });

  it.each([
    [{ type: 'auth', kind: 'unknown-key' } as const, /key/i],
    [{ type: 'auth', kind: 'locked', reason: 'Exhausted balance' } as const, /lock|balance/i],
    [{ type: 'throttle', retryAfter: 60 } as const, /429|busy|many|limit/i],
    [{ type: 'server', status: 422, body: 'json' } as const, /./],
  ])('is not spent when fal refuses: %j', async (action, sentence) => {
    fal.fault({ match: { op: 'submit' }, action });
    const result = await client.call('trellis', { image_url: `${SAMPLES}/a.png` });
    expect(result.structured).toMatchObject({ status: 'failed', error: { charged: 'no' } });
    expect(String(error(result)['message'])).toMatch(sentence);
    expect(result.text).not.toContain('emulator-key');
    expect(fal.ledger.accepted).toBe(0);
  });

  it('is kept under the caps, which refuse before anything is sent', async () => {
    await client.close();
    client = await connect(
      'v1',
      env({ MESHWRIGHT_MAX_USD_PER_JOB: '0.35', MESHWRIGHT_MAX_USD_PER_DAY: '0.5' }),
    );
    const dear = await client.call('pixal3d', { image_url: `${SAMPLES}/a.png` });
    expect(dear.text).toMatch(/\$0\.42.*\$0\.35.*MESHWRIGHT_MAX_USD_PER_JOB/);
    const unknown = await client.call('reconviagen', { image_urls: [`${SAMPLES}/a.png`] });
    expect(unknown.text).toMatch(/not known/);
    const fits = await client.call('pixal3d', {
      image_url: `${SAMPLES}/a.png`,
      resolution: 1024,
      texture_size: 1024,
    });
    expect(fits.structured).toMatchObject({ status: 'succeeded' });
    const tooMuch = await client.call('pixal3d', {
      image_url: `${SAMPLES}/b.png`,
      resolution: 1024,
      texture_size: 1024,
    });
    expect(tooMuch.text).toMatch(/\$0\.30.*\$0\.30 is spent.*\$0\.50.*MESHWRIGHT_MAX_USD_PER_DAY/);
    expect(fal.ledger.accepted).toBe(1);
  });

  it('is never risked for arguments that fal would refuse', async () => {
    for (const [tool, args] of [
      ['rodin', {}],
      ['rodin', { prompt: 'x'.repeat(1025) }],
      ['pixal3d', { image_url: `${SAMPLES}/a.png`, resolution: 512 }],
      ['trellis', { image_url: `${SAMPLES}/a.png`, mesh_simplify: 0.5 }],
      ['hunyuan3d_v2_multi_view', { front_image_url: `${SAMPLES}/a.png` }],
      ['trellis', { image_url: 'http://127.0.0.1/a.png' }],
    ] as const) {
      const result = await client.call(tool, args);
      expect(error(result), JSON.stringify(args)).toMatchObject({ charged: 'no' });
    }
    expect(fal.journal.entries({ op: 'submit' })).toHaveLength(0);
  });
});

describe('a job at fal', () => {
  it('survives a restart in the middle, without a second submit', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs: 600_000 } });
    const started = await client.call('trellis', { image_url: `${SAMPLES}/a.png`, wait_seconds: 1 });
    const { job_id } = started.structured ?? {};
    await expect
      .poll(async () => (await client.call('get_job', { job_id })).structured)
      .toMatchObject({ status: 'running' });
    if (client.pid !== null) process.kill(client.pid, 'SIGKILL');
    await client.close().catch(() => undefined);
    fal.clock.advance(600_000);
    client = await connect('v2 modern', env());
    const done = await client.call('wait_for_job', {
      job_id: started.structured?.['job_id'],
      wait_seconds: 40,
    });
    expect(done.structured).toMatchObject({ status: 'succeeded' });
    expect(submits()).toHaveLength(1);
  });

  it.each([
    ['usual', 40, 800, /^about \d+ s left$/],
    ['short', 1, 2200, /^longer than the usual 1 s$/],
  ])('tells what is left of its %s time, from the jobs before', async (_what, seconds, runMs, last) => {
    await client.close();
    const store = openStore(path.join(folder, 'data'));
    for (const startedAt of [1, 2, 3]) {
      const finishedAt = startedAt + 1000 * seconds;
      const past = {
        principal: 'local',
        model: 'fal-ai/trellis',
        createdAt: startedAt,
        startedAt,
        finishedAt,
      };
      await store.jobs.create(aJob({ state: 'succeeded', ...past }), undefined);
    }
    await store.close();
    client = await connect('v1', env());
    // What is not read at once is told from the declaration.
    await expect
      .poll(async () => (await client.call('list_models', { tool: 'trellis' })).structured)
      .toMatchObject({ models: [{ typical_seconds: seconds }] });
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', runMs } });
    const messages: string[] = [];
    await client.call(
      'trellis',
      { image_url: `${SAMPLES}/a.png` },
      { onprogress: ({ message }) => messages.push(message ?? '') },
    );
    const left = messages.flatMap((message) => /, ((?:about|longer) .*?)(?: \(|$)/.exec(message)?.[1] ?? []);
    expect(left.at(-1)).toMatch(last);
    const told = left.flatMap((text) => /^about (.*) s left$/.exec(text)?.[1] ?? []).map(Number);
    expect(told).toEqual(told.toSorted((a, b) => b - a));
    for (const one of told) expect(one).toBeLessThanOrEqual(seconds);
    // Counted from when it runs, so the time since the call is more than what is taken off.
    for (const message of messages) {
      const [, rest, since] = /, about (\d+) s left \(([\d.]+) s\)/.exec(message) ?? [];
      if (rest !== undefined)
        expect(Number(rest), message).toBeGreaterThanOrEqual(seconds - 1 - Number(since));
    }
    expect(told.every((one) => one > 0)).toBe(true);
  });

  it('goes on when the call is cancelled while it runs, and is cancelled when it is asked to', async () => {
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', queueMs: 'never' } });
    const started = await client.call('trellis', { image_url: `${SAMPLES}/a.png`, wait_seconds: 1 });
    const cancelled = await client.call('cancel_job', { job_id: started.structured?.['job_id'] });
    expect(cancelled.structured).toMatchObject({ status: 'cancelled' });
    expect(cancelled.isError).toBe(false);
  });

  it('uploads a local image once, with an expiry, however often it is used', async () => {
    const image = dataUri(await ballPng(1));
    await client.call('trellis', { image_url: image });
    await client.call('hunyuan3d_v2', { input_image_url: image });
    const uploads = fal.journal.entries({ op: 'initiate' });
    expect(
      uploads.length,
      fal.journal
        .entries()
        .map(({ op }) => op)
        .join(),
    ).toBe(1);
    expect(JSON.stringify(uploads[0]?.headers)).toMatch(/expiration_duration_seconds/);
  });
});
