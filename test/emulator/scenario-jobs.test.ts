import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ScenarioEmulator, ScenarioOptions } from './scenario.js';
import type { ScenarioAction } from './scenario/plan.js';
import { call, emulator, finish, image, poll, post, read, submit } from './scenario-support.js';

type JobAction = Extract<ScenarioAction, { type: 'job' }>;

/** A job under `plan`, not moved yet. */
async function submitWith(
  plan: Omit<JobAction, 'type'>,
  options: ScenarioOptions = {},
): Promise<{ scenario: ScenarioEmulator; jobId: string }> {
  const scenario = await emulator(options);
  scenario.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
  const { jobId } = await submit(scenario);
  return { scenario, jobId };
}

const cancel = (scenario: ScenarioEmulator, jobId: string, action = 'cancel'): Promise<Response> =>
  call(scenario, `/jobs/${jobId}/action`, { action });

describe('the status of a job', () => {
  it('jumps in progress and shows words that must be tolerated', async () => {
    const { scenario, jobId } = await submitWith({
      queueMs: 0,
      runMs: 3000,
      timeline: [
        { afterMs: 0, status: 'processing' },
        { afterMs: 1000, status: 'queued' },
        { afterMs: 2000, status: 'reticulating' },
      ],
      progress: [
        { afterMs: 0, value: 0.9 },
        { afterMs: 1000, value: 0.1 },
      ],
    });
    const seen: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      const { status, progress } = await poll(scenario, { jobId });
      seen.push([status, progress]);
      scenario.clock.advance(1000);
    }
    expect(seen).toEqual([
      ['processing', 0.9],
      ['queued', 0.1],
      ['reticulating', 0.1],
      ['success', 1],
    ]);
  });

  it.each([
    [{ queueMs: 'never' }, 'queued'],
    [{ runMs: 'never' }, 'in-progress'],
  ] as const)('under %j is %s for good', async (plan, status) => {
    const { scenario, jobId } = await submitWith(plan);
    finish(scenario);
    expect((await poll(scenario, { jobId })).status).toBe(status);
  });

  it('tells its history', async () => {
    const { scenario, jobId } = await submitWith({ queueMs: 2000, runMs: 100_000 }, { startTime: 0 });
    finish(scenario);
    const history = (await poll(scenario, { jobId }))['statusHistory'];
    expect(history).toEqual([
      { status: 'pending', date: '1970-01-01T00:00:00.000Z' },
      { status: 'queued', date: '1970-01-01T00:00:01.000Z' },
      { status: 'warming-up', date: '1970-01-01T00:00:02.000Z' },
      { status: 'in-progress', date: '1970-01-01T00:00:12.000Z' },
      { status: 'finalizing', date: '1970-01-01T00:01:37.000Z' },
      { status: 'success', date: '1970-01-01T00:01:42.000Z' },
    ]);
  });

  it('lacks fields, or has others', async () => {
    const { scenario, jobId } = await submitWith({ omit: ['billing'], body: { progress: 7 } });
    const answer = z
      .object({ job: z.record(z.string(), z.unknown()) })
      .parse(await (await call(scenario, `/jobs/${jobId}`)).json());
    expect(answer.job).toMatchObject({ progress: 7 });
    expect(answer.job).not.toHaveProperty('billing');
  });

  it('is unknown for a job that never was', async () => {
    const answer = await call(await emulator(), '/jobs/job_unknown');
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { reason: 'Job job_unknown not found.', traceId: expect.any(String) },
    ]);
  });
});

describe('a job that fails', () => {
  it.each([
    ['text', 'failure', expect.any(String), 'free'],
    [
      'object',
      'failure',
      { code: expect.any(String), message: expect.any(String), hint: expect.any(String) },
      'free',
    ],
    [{ status: 'failed', error: 'x' }, 'failed', 'x', 'free'],
    [{ status: 'canceled' }, 'canceled', undefined, 'free'],
    [{ refunded: false }, 'failure', undefined, 'billed'],
  ] as const)('with %j is %s with error %j and %s', async (failure, status, error, state) => {
    const { scenario, jobId } = await submitWith({ failure, failAt: 0.5 });
    scenario.clock.advance(4000 + 75_000);
    const job = await poll(scenario, { jobId });
    expect([job.status, job.metadata['error'], job.metadata.assetIds]).toEqual([status, error, []]);
    expect(scenario.ledger.entries()).toMatchObject([{ state, units: state === 'free' ? 0 : 57 }]);
  });
});

describe('the output of a job', () => {
  it.each([
    [undefined, ['3d']],
    ['none', []],
    ['preview-first', ['image', '3d']],
    ['preview-last', ['3d', 'image']],
    ['preview-only', ['image']],
  ] as const)('of the kind %s has assets %j', async (outputs, kinds) => {
    const { scenario, jobId } = await submitWith(outputs === undefined ? {} : { outputs });
    finish(scenario);
    const { metadata } = await poll(scenario, { jobId });
    const assets = await Promise.all(metadata.assetIds.map((id) => read(scenario, id)));
    expect(assets.map(({ kind }) => kind)).toEqual(kinds);
  });

  it.each([
    ['text', '77'],
    ['number', 77],
    ['missing', undefined],
  ] as const)('tells the seed as %s', async (seedShape, seed) => {
    const scenario = await emulator({ seedShape });
    const { jobId } = await submit(scenario, { seed: 77 });
    finish(scenario);
    const [id = ''] = (await poll(scenario, { jobId })).metadata.assetIds;
    expect((await read(scenario, id))['metadata']).toMatchObject({
      modelId: 'model_pixal3d',
      ...(seed === undefined ? {} : { seed }),
    });
  });
});

describe('a cancellation', () => {
  it('is refused', async () => {
    const { scenario, jobId } = await submitWith({});
    const answer = await cancel(scenario, jobId);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { reason: 'Cannot cancel this type of job. Action not permitted.' },
    ]);
    finish(scenario);
    expect((await poll(scenario, { jobId })).status).toBe('success');
  });

  it.each([
    [true, 'billed'],
    [false, 'free'],
  ] as const)('is carried out some time later; charged: %s', async (billCanceled, state) => {
    const { scenario, jobId } = await submitWith(
      { cancelReply: 'canceled', cancelMs: 1000 },
      { billCanceled },
    );
    scenario.clock.advance(30_000);
    expect((await cancel(scenario, jobId)).status).toBe(200);
    expect((await poll(scenario, { jobId })).status).toBe('in-progress');
    scenario.clock.advance(1000);
    expect((await poll(scenario, { jobId })).status).toBe('canceled');
    expect(scenario.ledger.entries()).toMatchObject([{ state }]);
  });

  it('is accepted, and the job succeeds all the same', async () => {
    const { scenario, jobId } = await submitWith({}, { cancelReply: 'ignored' });
    expect((await cancel(scenario, jobId)).status).toBe(200);
    finish(scenario);
    expect((await poll(scenario, { jobId })).status).toBe('success');
    expect((await cancel(scenario, jobId)).status).toBe(400);
  });

  it('needs the right word and a job', async () => {
    const { scenario, jobId } = await submitWith({});
    expect((await cancel(scenario, jobId, 'stop')).status).toBe(400);
    expect((await cancel(scenario, 'job_unknown')).status).toBe(404);
  });
});

describe('the list of jobs', () => {
  const listed = z.object({
    jobs: z.array(z.looseObject({ jobId: z.string(), jobType: z.string() })),
    nextPaginationToken: z.string().optional(),
  });
  const list = async (scenario: ScenarioEmulator, query: string): Promise<z.output<typeof listed>> =>
    listed.parse(await (await call(scenario, `/jobs${query}`)).json());

  it('comes newest first and in pages, which new jobs do not shift', async () => {
    const scenario = await emulator();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.unshift((await submit(scenario)).jobId);
      scenario.clock.advance(1000);
    }
    const first = await list(scenario, '?pageSize=2');
    await submit(scenario);
    const second = await list(scenario, `?pageSize=2&paginationToken=${first.nextPaginationToken}`);
    const third = await list(scenario, `?pageSize=2&paginationToken=${second.nextPaginationToken}`);
    const shown = [first, second, third].flatMap(({ jobs }) => jobs.map(({ jobId }) => jobId));
    expect(shown).toEqual(ids);
    expect(third.nextPaginationToken).toBeUndefined();
  });

  it('shows what was asked for, so that a lost reply can be found again', async () => {
    const scenario = await emulator();
    const imageId = await image(scenario);
    scenario.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
    await expect(post(scenario, { image: imageId, seed: 7 })).rejects.toThrow('fetch failed');
    expect((await list(scenario, '')).jobs).toMatchObject([
      {
        jobId: scenario.ledger.entries()[0]?.requestId,
        metadata: { input: { modelId: 'model_pixal3d', image: imageId, seed: 7 } },
      },
    ]);
  });

  it.each(['?pageSize=201', '?pageSize=0', '?paginationToken=bm9uZQ'])('refuses %s', async (query) => {
    expect((await call(await emulator(), `/jobs${query}`)).status).toBe(400);
  });
});
