import { describe, expect, it } from 'vitest';
import { idIn } from '../../src/providers/provider.js';
import type { Json, JsonObject } from '../../src/json.js';
import type { ScenarioEmulator } from '../emulator/scenario.js';
import { emulator } from '../emulator/scenario-support.js';
import { providerFor, uploaded } from './scenario-support.js';
import { context, errorOf } from './support.js';

/** Finding the job of a submit whose answer was lost in Scenario's list of jobs. */

const MODEL = 'model_pixal3d';

async function lostAt(scenario: ScenarioEmulator): Promise<{ body: JsonObject; id: string; sentAt: number }> {
  const provider = providerFor(scenario);
  const body = { image: await uploaded(provider), seed: 7, remesh: true, ssGuidanceStrength: 7.5 };
  const sentAt = scenario.clock.now();
  scenario.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
  await errorOf(provider.submit({ jobId: 'job_1', model: MODEL, body }, context()));
  return { body, sentAt, id: scenario.ledger.entries().at(-1)?.requestId ?? '' };
}

const find = (scenario: ScenarioEmulator, attempt: { body: JsonObject; sentAt: number }): Promise<Json[]> =>
  providerFor(scenario).findLost({ model: MODEL, ...attempt }, context());
const ids = (found: Json[]): unknown[] => found.map(idIn);
const reads = (scenario: ScenarioEmulator, op: string): number => scenario.journal.count('api', op);

describe('a lost job of Scenario', () => {
  it('is found on any page, among jobs with other input', async () => {
    const scenario = await emulator({ pageCap: 2 });
    const lost = await lostAt(scenario);
    const provider = providerFor(scenario);
    for (let seed = 100; seed < 106; seed++) {
      await provider.submit({ jobId: 'job_2', model: MODEL, body: { ...lost.body, seed } }, context());
    }
    expect(ids(await find(scenario, lost))).toEqual([lost.id]);
    expect(reads(scenario, 'list')).toBe(4);
  });

  it('is looked for no further back than it can be', async () => {
    const scenario = await emulator({ pageCap: 2 });
    await lostAt(scenario);
    await lostAt(scenario);
    scenario.clock.advance(3_600_000);
    const lost = await lostAt(scenario);
    await lostAt(scenario);
    scenario.journal.clear();
    expect(ids(await find(scenario, lost))).toEqual([lost.id]);
    expect(reads(scenario, 'list')).toBe(2);
  });

  it('is told from others by reading each, where the list is short', async () => {
    const scenario = await emulator({ listInput: false });
    const lost = await lostAt(scenario);
    const other = await lostAt(scenario);
    expect(ids(await find(scenario, lost))).toEqual([lost.id]);
    expect(ids(await find(scenario, other))).toEqual([other.id]);
  });

  it('is told with all others that cannot be told from it', async () => {
    const scenario = await emulator();
    const lost = await lostAt(scenario);
    await providerFor(scenario).submit({ jobId: 'job_2', model: MODEL, body: lost.body }, context());
    expect(await find(scenario, lost)).toHaveLength(2);
  });

  it.each([
    ['numbers as texts and one image as a list', { seed: '7', ssGuidanceStrength: '7.5', image: null }, 1],
    ['another image', { image: 'asset_of_somebody_else' }, 0],
    ['another model', { modelId: 'model_other' }, 0],
    ['a parameter less', { seed: null }, 0],
  ] satisfies [string, JsonObject, number][])('is told in other words: %s', async (_name, over, count) => {
    const scenario = await emulator();
    const lost = await lostAt(scenario);
    const [job] = scenario.jobs.all();
    const input = { modelId: MODEL, ...lost.body, ...over };
    if ('image' in over && over.image === null) Object.assign(input, { image: [lost.body['image']] });
    if (job) job.plan.body = { metadata: { input, assetIds: [] } };
    expect(await find(scenario, lost)).toHaveLength(count);
  });

  it.each([
    ['an answer that is no list', { type: 'respond', status: 200, json: { ok: true } }],
    ['a page', { type: 'respond', status: 200, text: '<html></html>' }],
    ['a refused key', { type: 'auth', kind: 'unknown-key' }],
    ['a fault', { type: 'server', status: 500 }],
    ['a limit', { type: 'throttle' }],
  ] as const)('is not called absent after %s', async (_name, action) => {
    const scenario = await emulator();
    const lost = await lostAt(scenario);
    scenario.fault({ match: { op: 'list' }, times: 'always', action });
    expect(await errorOf(find(scenario, lost))).toBeInstanceOf(Error);
  });

  it('is not made of what the list has that is no job', async () => {
    const scenario = await emulator();
    const lost = await lostAt(scenario);
    const now = new Date(lost.sentAt).toISOString();
    const jobs = [
      null,
      'job',
      {},
      { jobId: '../x', createdAt: now },
      { jobId: 'a', createdAt: 'soon' },
      { jobId: 7 },
    ];
    scenario.fault({ match: { op: 'list' }, action: { type: 'respond', status: 200, json: { jobs } } });
    expect(await find(scenario, lost)).toEqual([]);
  });
});
