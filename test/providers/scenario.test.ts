import { describe, expect, it } from 'vitest';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, type ScenarioEmulator } from '../emulator/scenario.js';
import { emulator } from '../emulator/scenario-support.js';
import type { ScenarioAction } from '../emulator/scenario/plan.js';
import { providerFor, submitTo, uploaded } from './scenario-support.js';
import { context, errorOf, followContext } from './support.js';

type JobPlan = Omit<Extract<ScenarioAction, { type: 'job' }>, 'type'>;

/** One job from submit to result. */
async function run(
  scenario: ScenarioEmulator,
  plan: JobPlan = {},
): Promise<{ body: unknown; billedUnits: number | undefined; stages: string[]; progress: number[] }> {
  scenario.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
  const provider = providerFor(scenario);
  const operation = await submitTo(provider);
  const following = followContext();
  await provider.follow(operation, following);
  const { body, billedUnits } = await provider.result(operation, context());
  return {
    body,
    billedUnits,
    stages: following.reports.map(({ stage = '' }) => stage),
    progress: following.reports.map(({ progress = 0 }) => progress),
  };
}

describe('a submit to Scenario', () => {
  it('has Basic authorisation and the body as it is, and its operation can be stored', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    const body = { image: await uploaded(provider), generationResolution: 1024, resolution: 2048 };
    const operation = await submitTo(provider, body);
    const [post] = scenario.journal.entries({ op: 'submit' });
    const basic = Buffer.from(`${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`).toString('base64');
    expect(post).toMatchObject({
      path: '/v1/generate/custom/model_pixal3d',
      query: '',
      body,
      warnings: [],
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
    });
    expect(operation).toEqual({
      job_id: post?.requestId,
      model: 'model_pixal3d',
      submitted_at: scenario.clock.now(),
      creative_units: scenario.ledger.entries()[0]?.units,
    });
  });

  it.each([
    ['plan', 'refused', /plan.*does not include model_pixal3d.*needs the plan "cu-pro".*does not help/],
    ['no-units', 'refused', /another plan or more creative units: Not enough creative units/],
    ['bad-input', 'rejected', /refused the input: Invalid value for parameter image/],
    ['project', 'refused', /does not let this key use model_pixal3d: You do not have access/],
    ['forbidden', 'refused', /Forbidden/],
  ] as const)('knows the refusal %s', async (kind, outcome, told) => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    scenario.fault({ match: { op: 'submit' }, action: { type: 'refusal', kind } });
    const error = await errorOf(submitTo(provider));
    expect(error).toMatchObject({ outcome, message: expect.stringMatching(told) });
    expect(scenario.ledger.accepted).toBe(0);
  });

  it.each([
    ['remaining-seconds', 30_000, /Too many concurrent generations.*in 30 s/],
    ['details', undefined, /concurrent-generations at once are limited to 1.*in a minute/],
  ] as const)('reads a ceiling in the shape of %s', async (limitShape, retryAfterMs, told) => {
    const scenario = await emulator({ limitShape, concurrency: 1 });
    const provider = providerFor(scenario);
    await submitTo(provider);
    const error = await errorOf(submitTo(provider, { image: await uploaded(provider), seed: 2 }));
    expect(error).toMatchObject({ outcome: 'refused', retryAfterMs, message: expect.stringMatching(told) });
    expect(scenario.ledger.accepted).toBe(1);
  });

  it('that names an image which was deleted there uploads it anew the next time', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    await uploaded(provider);
    scenario.assets.clear();
    expect(await errorOf(submitTo(provider))).toMatchObject({ outcome: 'rejected' });
    await submitTo(provider);
    expect(scenario.journal.count('api', 'asset-create')).toBe(2);
  });
});

describe('what a job costs at Scenario', () => {
  it.each([269, 200] as const)(
    'is told by a dry run that answers %i, and nothing starts',
    async (dryRunStatus) => {
      const scenario = await emulator({ dryRunStatus });
      const provider = providerFor(scenario);
      const body = { image: await uploaded(provider), ssSamplingSteps: 12 };
      const units = await provider.estimateUnits('model_pixal3d', body, context());
      expect(scenario.ledger.accepted).toBe(0);
      const [dry] = scenario.journal.entries({ op: 'dry-run' });
      expect(dry).toMatchObject({ query: '?dryRun=true', body });
      await submitTo(provider, body);
      expect(scenario.ledger.entries()[0]?.units).toBe(units);
    },
  );

  it('has what detection costs on top', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    const body = { image: await uploaded(provider) };
    const plain = await provider.estimateUnits('model_pixal3d', body, context());
    scenario.settings.ipDetectionUnits = 3;
    expect(await provider.estimateUnits('model_pixal3d', body, context())).toBe(plain + 3);
  });

  it('is not told for a model outside of the plan', async () => {
    const scenario = await emulator({ requiredPlan: 'cu-max' });
    const provider = providerFor(scenario);
    const body = { image: await uploaded(provider) };
    const error = await errorOf(provider.estimateUnits('model_pixal3d', body, context()));
    expect(error).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/cu-max/) });
  });

  it('is what was billed, in creative units', async () => {
    const scenario = await emulator();
    const { billedUnits } = await run(scenario, { units: 42.5 });
    expect(billedUnits).toBe(42.5);
    const silent = await emulator();
    expect((await run(silent, { units: 7, omit: ['billing'] })).billedUnits).toBe(7);
  });
});

describe('a job at Scenario', () => {
  it('passes through all of its states', async () => {
    const { stages } = await run(await emulator());
    const seen = stages.map((stage) => stage.replace(' at Scenario', ''));
    for (const stage of ['queued', 'warming up', 'in progress']) expect(seen).toContain(stage);
  });

  it.each(['processing', 'dreaming', 'IN-PROGRESS'])('is running while it is "%s"', async (status) => {
    const { stages, body } = await run(await emulator(), { timeline: [{ afterMs: 0, status }] });
    expect(new Set(stages)).toEqual(new Set([`${status.toLowerCase().replace('-', ' ')} at Scenario`]));
    expect(JSON.stringify(body)).toContain('asset_');
  });

  it('never goes back in its progress, whatever Scenario says', async () => {
    const { progress } = await run(await emulator(), {
      progress: [
        { afterMs: 0, value: 0.6 },
        { afterMs: 20_000, value: 0.2 },
        { afterMs: 40_000, value: 1 },
      ],
    });
    expect(progress[0]).toBe(0.6);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(Math.max(...progress)).toBeLessThan(1);
  });

  it.each<[string, JobPlan, object, RegExp]>([
    ['a text', { failure: 'text' }, { charged: 'no' }, /no mesh was found\. It was not charged/],
    ['an object', { failure: 'object' }, { charged: 'no' }, /No mesh was found/],
    ['nothing at all', { failure: {} }, { charged: 'no' }, /gives no reason/],
    [
      'the word failed',
      { failure: { status: 'failed', error: 'out of memory' } },
      { charged: 'no' },
      /out of memory/,
    ],
    [
      'a hint and no refund',
      {
        failure: { refunded: false },
        units: 5,
        body: { metadata: { hint: 'Use a larger image.' }, billing: { cuCost: 5, disableRefund: true } },
      },
      { charged: 'yes' },
      /Use a larger image\. Failed jobs of this model are not refunded/,
    ],
  ])('that fails with %s says why, and what it costs', async (_name, plan, what, told) => {
    const error = await errorOf(run(await emulator(), plan));
    expect(error).toMatchObject({ name: 'ProviderFailure', kind: 'failed', ...what });
    expect(String(error)).toMatch(told);
    expect(String(error)).toMatch(/job_/);
  });

  it('that was cancelled there is cancelled', async () => {
    const error = await errorOf(run(await emulator(), { failure: { status: 'canceled' } }));
    expect(error).toMatchObject({ kind: 'cancelled' });
  });
});

describe('the files of a job at Scenario', () => {
  it('have new URLs whenever they are read', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    const operation = await submitTo(provider);
    await provider.follow(operation, followContext());
    const { body: first } = await provider.result(operation, context());
    const { body: second } = await providerFor(scenario).result(operation, context());
    const file = {
      asset_id: expect.stringMatching(/^asset_/),
      url: expect.stringContaining(scenario.urls.cdn),
      media_type: 'model/gltf-binary',
      kind: '3d',
    };
    expect(first).toEqual({ files: [file] });
    expect(second).toEqual({ files: [file] });
    expect(second).not.toEqual(first);
  });

  it('are all there, in the order of Scenario', async () => {
    const { body } = await run(await emulator(), { outputs: 'preview-first' });
    expect(body).toMatchObject({ files: [{ kind: 'image' }, { kind: '3d' }] });
  });

  it('that are none make a failure', async () => {
    const error = await errorOf(run(await emulator(), { outputs: 'none', units: 9 }));
    expect(error).toMatchObject({ kind: 'failed', charged: 'yes' });
    expect(String(error)).toMatch(/names no file/);
  });

  it('that have no URL yet are waited for', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'asset' }, action: { type: 'asset', omit: ['url'] }, times: 2 });
    expect((await run(scenario)).body).toMatchObject({ files: [{ kind: '3d' }] });
  });

  it('that cannot be read for a while are waited for', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'asset' }, action: { type: 'server', status: 503 }, times: 20 });
    scenario.fault({ match: { op: 'asset' }, nth: 21, action: { type: 'auth', kind: 'locked' }, times: 3 });
    expect((await run(scenario)).body).toMatchObject({ files: [{ kind: '3d' }] });
  });

  it('that were deleted there are gone', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    const operation = await submitTo(provider);
    await provider.follow(operation, followContext());
    scenario.assets.clear();
    const error = await errorOf(provider.result(operation, context()));
    expect(error).toMatchObject({
      kind: 'expired',
      message: expect.stringMatching(/no files of it any more/),
    });
  });
});

describe('a cancel at Scenario', () => {
  it.each<[string, JobPlan, string]>([
    ['is refused', { cancelReply: 'refused' }, 'unsupported'],
    ['is done at once', { cancelReply: 'canceled', cancelMs: 0 }, 'removed'],
    ['takes a moment', { cancelReply: 'canceled', cancelMs: 1_500 }, 'removed'],
    ['is taken and ignored', { cancelReply: 'ignored', runMs: 600_000 }, 'running'],
    ['is taken and overtaken by the end', { cancelReply: 'ignored', queueMs: 0, runMs: 900 }, 'finished'],
  ])('that %s is told as what it did', async (_name, plan, outcome) => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
    const provider = providerFor(scenario);
    const operation = await submitTo(provider);
    expect(await provider.cancel(operation, context())).toBe(outcome);
    expect(scenario.journal.entries({ op: 'cancel' })[0]).toMatchObject({ body: { action: 'cancel' } });
  });

  it('of a job that has ended finds it finished', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    const operation = await submitTo(provider);
    await provider.follow(operation, followContext());
    expect(await provider.cancel(operation, context())).toBe('finished');
  });

  it('is asked again when Scenario does not answer, and told when it never does', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    const operation = await submitTo(provider);
    scenario.fault({ match: { op: 'cancel' }, action: { type: 'server', status: 503 }, times: 2 });
    expect(await provider.cancel(operation, context())).toBe('unsupported');
    scenario.fault({ match: { op: 'cancel' }, action: { type: 'reset' }, times: 'always' });
    const error = await errorOf(provider.cancel(operation, context()));
    expect(error).toMatchObject({ code: 'provider_unreachable', retryable: true });
  });
});
