import { describe, expect, it } from 'vitest';
import type { JsonObject } from './common/json.js';
import type { ScenarioOptions } from './scenario.js';
import type { ScenarioAction } from './scenario/plan.js';
import { auth, call, emulator, image, post, submit, wrongSecret } from './scenario-support.js';

const DRY = { query: '?dryRun=true' };

describe('a key', () => {
  it.each([
    ['none', {}, 'Missing authentication.'],
    ['of another kind', { authorization: 'Bearer x' }, 'Missing authentication.'],
    ['with a wrong secret', wrongSecret, 'Invalid API key or secret.'],
  ])('%s is refused', async (_, headers, message) => {
    const answer = await call(await emulator(), '/jobs', undefined, { ...headers });
    expect([answer.status, await answer.json()]).toEqual([401, { message }]);
  });

  it('does not reach another project', async () => {
    const scenario = await emulator();
    expect((await call(scenario, '/jobs?projectId=proj_emulator')).status).toBe(200);
    const answer = await call(scenario, '/jobs?projectId=proj_other');
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { message: 'You do not have access to this project.' },
    ]);
  });
});

describe('a plan', () => {
  it.each([{}, DRY])('that is too small refuses a run with %j', async (how) => {
    const scenario = await emulator({ requiredPlan: 'cu-max' });
    const answer = await post(scenario, {}, how);
    expect([answer.status, await answer.json()]).toMatchObject([
      403,
      { name: 'ModelAccessRestrictedError', modelId: 'model_pixal3d', requiredPlan: 'cu-max' },
    ]);
    expect(scenario.ledger.accepted).toBe(0);
  });
});

describe('inputs', () => {
  const reasonOf = async (input: JsonObject, options: ScenarioOptions = {}): Promise<unknown> => {
    const scenario = await emulator(options);
    const own = { image: await image(scenario) };
    const answers: unknown[] = [];
    for (const query of ['', '?dryRun=true']) {
      const answer = await call(scenario, `/generate/custom/model_pixal3d${query}`, { ...own, ...input });
      answers.push([answer.status, await answer.json()]);
    }
    expect(scenario.ledger.accepted).toBe(0);
    // A dry run validates as the real one does.
    expect(answers[1]).toEqual([expect.any(Number), expect.objectContaining({ reason: expect.any(String) })]);
    return answers[0];
  };

  it.each([
    [{ image: null }, 'Parameter "image" is required.'],
    [{ image: 'asset_none' }, 'Asset asset_none not found.'],
    [{ image: 'https://example.com/dog.png' }, 'Asset https://example.com/dog.png not found.'],
    [{ image: 7 }, 'Parameter "image" must be an asset id.'],
    [{ resolution: 1536 }, 'Parameter "resolution" must be one of: 1024, 2048, 4096.'],
    [{ generationResolution: '1024' }, 'Parameter "generationResolution" must be a number.'],
    [{ ssSamplingSteps: 51 }, 'Parameter "ssSamplingSteps" must be at most 50.'],
    [{ meshScale: 0 }, 'Parameter "meshScale" must be at least 0.1.'],
    [{ remesh: 'yes' }, 'Parameter "remesh" must be a boolean.'],
    [{ ssRescaleT: 5 }, 'Unknown parameter "ssRescaleT".'],
  ])('of %j are refused', async (input, reason) => {
    expect(await reasonOf(input)).toEqual([400, { reason, traceId: expect.any(String) }]);
  });

  it('are refused under the other name for traces', async () => {
    expect(await reasonOf({ image: null }, { traceName: 'trace_id' })).toEqual([
      400,
      { reason: expect.any(String), trace_id: expect.any(String) },
    ]);
  });

  it('that nobody knows may be ignored', async () => {
    const scenario = await emulator({ unknownFields: 'ignored' });
    await submit(scenario, { ssRescaleT: 5 });
    expect(scenario.journal.entries({ op: 'submit' })[0]?.warnings).toEqual(['unknown field ssRescaleT']);
  });

  it('that should be lists and are not are dropped in silence', async () => {
    const scenario = await emulator();
    const id = await image(scenario);
    const model = 'model_emulator-multiview';
    expect(await (await post(scenario, { image: id, images: id }, { model })).json()).toMatchObject({
      creativeUnitsCost: 5,
    });
    expect(await (await post(scenario, { image: id, images: [id] }, { model })).json()).toMatchObject({
      creativeUnitsCost: 6,
    });
    expect(scenario.journal.entries({ op: 'submit' })[0]?.warnings).toEqual(['dropped images: not a list']);
  });

  it('for a model that is not there', async () => {
    expect((await post(await emulator(), {}, { model: 'model_none' })).status).toBe(404);
  });
});

describe('the ceiling of a team', () => {
  it.each([
    ['remaining-seconds', { remainingSeconds: 30 }],
    ['details', { details: { actionName: expect.any(String), actionLimit: 1 } }],
  ] as const)('refuses one job more, in the shape of %s', async (limitShape, body) => {
    const scenario = await emulator({ concurrency: 1, limitShape });
    await submit(scenario);
    const answer = await post(scenario);
    expect([answer.status, await answer.json()]).toEqual([
      429,
      { reason: expect.any(String), traceId: expect.any(String), ...body },
    ]);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(scenario.ledger.accepted).toBe(1);
    expect((await post(scenario, {}, DRY)).status).toBe(269);
    scenario.clock.advance(200_000);
    expect((await post(scenario)).status).toBe(200);
  });
});

describe('faults of a submit', () => {
  const refusals: [ScenarioAction, number, unknown][] = [
    [{ type: 'refusal', kind: 'plan' }, 403, expect.objectContaining({ requiredPlan: 'cu-pro' })],
    [{ type: 'refusal', kind: 'no-units' }, 402, expect.objectContaining({ reason: expect.any(String) })],
    [{ type: 'refusal', kind: 'limit' }, 429, expect.objectContaining({ remainingSeconds: 30 })],
    [{ type: 'refusal', kind: 'bad-input' }, 400, expect.objectContaining({ reason: expect.any(String) })],
    [{ type: 'refusal', kind: 'project' }, 403, { message: 'You do not have access to this project.' }],
    [{ type: 'refusal', kind: 'forbidden' }, 403, { message: 'Forbidden' }],
    [{ type: 'throttle', retryAfter: 7 }, 429, expect.objectContaining({ reason: expect.any(String) })],
    [{ type: 'server', status: 502 }, 502, { message: 'Internal server error' }],
    [{ type: 'auth', kind: 'unknown-key' }, 401, { message: 'Invalid API key or secret.' }],
    [{ type: 'auth', kind: 'locked', reason: 'Suspended.' }, 403, { message: 'Suspended.' }],
  ];
  it.each(refusals)('%j is answered %d', async (action, status, body) => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'submit' }, action });
    const answer = await post(scenario);
    expect([answer.status, await answer.json()]).toEqual([status, body]);
    expect(scenario.ledger.accepted).toBe(0);
  });

  it('do not hit dry runs, which are an operation of their own', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'submit' }, action: { type: 'refusal', kind: 'no-units' } });
    scenario.fault({ match: { op: 'dry-run' }, action: { type: 'refusal', kind: 'plan' } });
    expect((await post(scenario, {}, DRY)).status).toBe(403);
    expect((await post(scenario, {}, DRY)).status).toBe(269);
    expect((await post(scenario)).status).toBe(402);
  });
});

describe('what the documents do not have', () => {
  it.each([
    ['GET', '/webhooks'],
    ['DELETE', '/jobs/x'],
    ['POST', '/jobs'],
  ])('is not there: %s %s', async (method, path) => {
    const scenario = await emulator();
    const answer = await fetch(scenario.urls.api + path, { method, headers: auth });
    expect(answer.status).toBe(404);
  });

  it('is a redirect, unless a fault makes one', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'list' }, action: { type: 'redirect', to: 'private' } });
    await call(scenario, '/jobs?pageSize=1');
    expect(scenario.journal.entries({ role: 'private' })).toMatchObject([
      { path: '/v1/jobs', query: '?pageSize=1', warnings: [] },
    ]);
  });
});
