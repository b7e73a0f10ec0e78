import { describe, expect, it } from 'vitest';
import { SubmitError } from '../../src/providers/provider.js';
import { fixtureOf } from '../emulator/common/fixtures/named.js';
import { PIXAZO_TEST_KEY, type PixazoEmulator, type PixazoOptions } from '../emulator/pixazo.js';
import { emulator, IMAGE } from '../emulator/pixazo-support.js';
import type { PixazoAction } from '../emulator/pixazo/plan.js';
import { providerFor, submitTo } from './pixazo-support.js';
import { context, errorOf, followContext, inputFile } from './support.js';

type JobPlan = Omit<Extract<PixazoAction, { type: 'job' }>, 'type'>;

/** One job from submit to result. */
async function run(pixazo: PixazoEmulator, plan: JobPlan = {}): Promise<{ body: unknown; stages: string[] }> {
  pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
  const provider = providerFor(pixazo);
  const operation = await submitTo(provider);
  const following = followContext();
  await provider.follow(operation, following);
  const { body } = await provider.result(operation, context());
  return { body, stages: following.reports.map(({ stage = '' }) => stage) };
}

const modelAt = (pixazo: PixazoEmulator): unknown => ({
  files: [
    { url: expect.stringMatching(`^${pixazo.urls.cdn}/v1/pixal3d_.*/output.glb$`), media_type: 'model/glb' },
  ],
});

describe('a submit to Pixazo', () => {
  it('has the three headers and the body as it is, and its operation can be stored', async () => {
    const pixazo = await emulator();
    const body = { image_url: IMAGE, resolution: 1536, remesh: false };
    const operation = await submitTo(providerFor(pixazo), body);
    const [post] = pixazo.journal.entries({ op: 'submit' });
    expect(post).toMatchObject({
      method: 'POST',
      path: '/pixal3d/v1/pixal3d-request',
      body,
      warnings: [],
      headers: {
        'ocp-apim-subscription-key': PIXAZO_TEST_KEY,
        'content-type': 'application/json',
        'cache-control': 'no-cache',
      },
    });
    expect(operation).toEqual({
      request_id: post?.requestId,
      model: 'pixal3d',
      polling_url: `${pixazo.urls.gateway}/v2/requests/status/${post?.requestId}`,
      submitted_at: pixazo.clock.now(),
    });
  });

  it.each([202, 200] as const)('is accepted with %i', async (acceptedStatus) => {
    const pixazo = await emulator({ acceptedStatus });
    expect(await submitTo(providerFor(pixazo))).toHaveProperty('request_id');
  });

  it.each(['documented', 'gateway', 'empty'] as const)(
    'that is refused is told in words when bodies are %s',
    async (refusalBodies) => {
      const pixazo = await emulator({ refusalBodies });
      const error = await errorOf(submitTo(providerFor(pixazo, { key: 'wrong-key-0123456789' })));
      expect(error).toMatchObject({ outcome: 'refused' });
      expect(String(error)).toMatch(
        refusalBodies === 'empty' ? /PIXAZO_API_KEY: HTTP 401/ : /PIXAZO_API_KEY: Access denied/,
      );
    },
  );

  it.each([
    ['no-balance', 'refused', /asks for payment: Your wallet does not have enough balance\. Add balance/],
    ['model-disabled', 'rejected', /does not offer this model.*not found or is disabled.*another provider/],
    ['bad-request', 'rejected', /refused the input: image_url is not a valid URL/],
    ['forbidden', 'refused', /does not let this key use pixal3d/],
    ['internal', 'unclear', /HTTP 500/],
  ] as const)('knows the documented refusal %s', async (kind, outcome, told) => {
    const pixazo = await emulator();
    pixazo.fault({ match: { op: 'submit' }, action: { type: 'refusal', kind } });
    const error = await errorOf(submitTo(providerFor(pixazo)));
    expect(error).toMatchObject({ outcome, message: expect.stringMatching(told) });
  });
});

describe('a job at Pixazo', () => {
  it.each<[string, PixazoOptions]>([
    ['as documented', {}],
    ['in lower case', { statusStyle: 'lower-case' }],
    ['with one URL for a list', { mediaUrl: 'string' }],
    ['with no polling URL', { pollingUrl: 'missing' }],
    ['with times of one kind', { times: 'plain' }],
    ['without times', { times: 'missing' }],
  ])('is read %s', async (_name, options) => {
    const pixazo = await emulator(options);
    expect((await run(pixazo)).body).toEqual(modelAt(pixazo));
  });

  it.each(['normal', 'missing', 'foreign-host'])(
    'is read in the other official shape, polling URL %s',
    async (pollingUrl) => {
      const pixazo = await emulator({ statusStyle: 'skills', pollingUrl });
      const { body } = await run(pixazo);
      expect(body).toEqual({ files: [{ url: expect.stringMatching(/output\.glb$/) }] });
      expect(pixazo.journal.count('mirror')).toBe(0);
    },
  );

  it.each(['succeeded', 'ready', 'COMPLETED ', 'Success'])('is done when it is "%s"', async (doneWord) => {
    const pixazo = await emulator();
    expect((await run(pixazo, { doneWord })).body).toEqual(modelAt(pixazo));
  });

  it('is running in a state that nobody knows, and when it goes back', async () => {
    const pixazo = await emulator();
    const timeline = [
      { afterMs: 0, status: 'PROCESSING' },
      { afterMs: 20_000, status: 'QUEUED' },
      { afterMs: 40_000, status: 'DREAMING' },
    ];
    const { body, stages } = await run(pixazo, { timeline });
    expect(body).toEqual(modelAt(pixazo));
    expect(new Set(stages)).toEqual(new Set(['running at Pixazo', 'waiting at Pixazo']));
  });

  it('is asked for every 5 to 10 seconds, or as often as is set', async () => {
    const pixazo = await emulator();
    await run(pixazo);
    const times = pixazo.journal.entries({ op: 'status' }).map(({ at }) => at);
    const waits = times.slice(1, -1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);

    const fixed = await emulator();
    const provider = providerFor(fixed, { pollMs: 1_000 });
    await provider.follow(await submitTo(provider), followContext());
    const [first = 0, second = 0] = fixed.journal.entries({ op: 'status' }).map(({ at }) => at);
    expect(second - first).toBe(1_000);
  });

  it('may be unknown at first', async () => {
    const pixazo = await emulator({ unknownMs: 25_000 });
    expect((await run(pixazo)).body).toEqual(modelAt(pixazo));
  });

  it('that stays unknown has failed after a minute, with its id', async () => {
    const pixazo = await emulator({ unknownMs: 3_600_000 });
    const since = pixazo.clock.now();
    const error = await errorOf(run(pixazo));
    expect(error).toMatchObject({ kind: 'expired', charged: 'unknown' });
    expect(String(error)).toMatch(/unknown to Pixazo.*pixal3d_[0-9a-f-]{36}/);
    const took = pixazo.clock.now() - since;
    expect(took).toBeGreaterThanOrEqual(60_000);
    expect(took).toBeLessThan(120_000);
  });

  it.each<[string, JobPlan, object, RegExp]>([
    [
      'FAILED',
      { failure: 'failed' },
      { charged: 'unknown', retryable: false },
      /No mesh.*may have been charged/,
    ],
    ['ERROR', { failure: 'error' }, { charged: 'no', retryable: true }, /upstream.*was not charged/],
    [
      'an error that is an object',
      { failure: { status: 'FAILED', error: { message: 'Bad image' } } },
      { charged: 'unknown' },
      /Bad image/,
    ],
    ['an error without words', { failure: { status: 'ERROR', error: null } }, { charged: 'no' }, /no reason/],
    ['a success without a file', { mediaUrl: 'null' }, { charged: 'unknown' }, /names no file/],
    ['a success with an empty list', { mediaUrl: 'empty-array' }, { charged: 'unknown' }, /names no file/],
  ])('that ends in %s says what it costs', async (_name, plan, what, told) => {
    const error = await errorOf(run(await emulator(), plan));
    expect(error).toMatchObject({ name: 'ProviderFailure', kind: 'failed', ...what });
    expect(String(error)).toMatch(told);
  });

  it('shows its progress although Pixazo tells none', async () => {
    const pixazo = await emulator();
    const provider = providerFor(pixazo, { typicalSeconds: () => 100 });
    const following = followContext();
    await provider.follow(await submitTo(provider), following);
    const shown = following.reports.map(({ progress = 0 }) => progress);
    expect(shown[0]).toBe(0);
    expect(shown.at(-1)).toBeGreaterThan(0.5);
    expect(shown.at(-1)).toBeLessThan(1);
  });
});

describe('an image for Pixazo', () => {
  const image = inputFile(fixtureOf('png'));

  it('cannot be uploaded, and the ways out are named', async () => {
    const provider = providerFor(await emulator());
    const error = await errorOf(provider.upload(image, context()));
    // Refused, so that another provider is tried; to the user it is the image.
    expect(error).toMatchObject({ outcome: 'refused', cause: { code: 'invalid_image', charged: 'no' } });
    expect(String(error)).toMatch(/public https URL.*FAL_KEY.*another provider/);
  });

  it('is hosted through somebody else where there is one', async () => {
    const provider = providerFor(await emulator(), { hostImage: async ({ key }) => `https://host/${key}` });
    expect(await provider.upload(image, context())).toBe(`https://host/${image.key}`);
  });

  it('that was hosted is told of with the result', async () => {
    const pixazo = await emulator();
    const hostImage = async (): Promise<string> => IMAGE;
    const provider = providerFor(pixazo, { hostImage, hostTitle: 'fal' });
    await provider.upload(image, context());
    const hosted = await submitTo(provider);
    const other = await submitTo(provider, { image_url: `${IMAGE}?other` });
    const again = providerFor(pixazo);
    expect((await again.result(hosted, context())).body).toMatchObject({
      notes: [expect.stringMatching(/hosted through fal/)],
    });
    expect((await again.result(other, context())).body).not.toHaveProperty('notes');
  });

  it('that cannot be hosted refuses the job before it is sent', async () => {
    const hostImage = (): Promise<string> => Promise.reject(new Error('storage is full'));
    const provider = providerFor(await emulator(), { hostImage });
    const error = await errorOf(provider.upload(image, context()));
    expect(error).toBeInstanceOf(SubmitError);
    expect(error).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/storage is full/) });
  });
});
