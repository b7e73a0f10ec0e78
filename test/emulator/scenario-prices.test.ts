import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ScenarioOptions } from './scenario.js';
import { call, emulator, post } from './scenario-support.js';

describe('a dry run', () => {
  const priceOf = async (input: Record<string, number>, options: ScenarioOptions = {}): Promise<number> => {
    const answer = await post(await emulator(options), input, { query: '?dryRun=true' });
    return z.object({ creativeUnitsCost: z.number() }).parse(await answer.json()).creativeUnitsCost;
  };

  it('is answered 269 with the price, its parts within it, and costs nothing', async () => {
    const scenario = await emulator();
    const answer = await post(scenario, {}, { query: '?dryRun=true' });
    expect([answer.status, await answer.json()]).toEqual([
      269,
      {
        creativeUnitsCost: 57,
        creativeUnitsDiscount: 0,
        costDetails: { sampling: 27, geometry: 12, texture: 8 },
      },
    ]);
    expect([scenario.ledger.accepted, scenario.jobs.all()]).toEqual([0, []]);
  });

  it('may be answered 200, and bring units on top', async () => {
    const answer = await post(
      await emulator({ dryRunStatus: 200, ipDetectionUnits: 2 }),
      {},
      { query: '?dryRun=true' },
    );
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { creativeUnitsCost: 57, ipDetection: { creativeUnitsCharged: 2, action: 'allowed' } },
    ]);
  });

  it('rises with steps, geometry and texture, each by an amount of its own', async () => {
    const cheap = {
      ssSamplingSteps: 12,
      shapeSlatSamplingSteps: 12,
      texSlatSamplingSteps: 12,
      generationResolution: 1024,
      resolution: 1024,
    };
    const prices = await Promise.all([
      priceOf(cheap),
      priceOf({ ...cheap, ssSamplingSteps: 36 }),
      priceOf({ ...cheap, shapeSlatSamplingSteps: 36 }),
      priceOf({ ...cheap, texSlatSamplingSteps: 36 }),
      priceOf({ ...cheap, generationResolution: 1536 }),
      priceOf({ ...cheap, resolution: 2048 }),
      priceOf({}),
    ]);
    expect(prices).toEqual([29, 33.8, 36.2, 35, 33, 31, 57]);
  });

  it('in the body is a real job', async () => {
    const scenario = await emulator();
    const answer = await post(scenario, { dryRun: true });
    expect(answer.status).toBe(200);
    expect(scenario.ledger.entries()).toMatchObject([{ state: 'billed', units: 57 }]);
    expect(scenario.journal.entries({ op: 'submit' })[0]?.warnings).toEqual([
      'dryRun in the body is ignored',
    ]);
  });
});

describe('the page of a model', () => {
  it('lists its inputs with defaults and ranges', async () => {
    const scenario = await emulator();
    const answer = z
      .object({ model: z.object({ inputs: z.array(z.looseObject({ name: z.string() })) }) })
      .parse(await (await call(scenario, '/models/model_pixal3d')).json());
    const inputs = new Map(answer.model.inputs.map((input) => [input.name, input]));
    expect(inputs.size).toBe(19);
    expect(inputs.get('image')).toMatchObject({ type: 'file', kind: 'image', required: { always: true } });
    expect(inputs.get('ssSamplingSteps')).toMatchObject({ default: 36, min: 1, max: 50, costImpact: true });
    expect(inputs.get('resolution')).toMatchObject({ default: 4096, allowedValues: [1024, 2048, 4096] });
    expect(inputs.has('ssRescaleT')).toBe(false);
    expect((await call(scenario, '/models/model_none')).status).toBe(404);
  });
});
