import { afterEach, describe, expect, it, vi } from 'vitest';
import { cubeGlb } from './common/fixtures/glb.js';
import { startScenarioEmulator } from './scenario.js';
import { emulator, finish, finishedModel, image, poll, post, read, submit } from './scenario-support.js';

describe('a job', () => {
  it('goes through all states to success, its asset ids in the metadata', async () => {
    const scenario = await emulator({ startTime: Date.UTC(2026, 4, 1) });
    const imageId = await image(scenario);
    const answer = await post(scenario, { image: imageId });
    expect(answer.status).toBe(200);
    const reply: unknown = await answer.json();
    const shown = scenario.jobs.all()[0];
    expect(reply).toEqual({
      job: expect.objectContaining({
        jobId: shown?.id,
        jobType: 'custom',
        status: 'pending',
        progress: 0,
        metadata: { input: { modelId: 'model_pixal3d', image: imageId }, assetIds: [] },
        createdAt: '2026-05-01T00:00:00.000Z',
      }),
      creativeUnitsCost: 57,
      creativeUnitsDiscount: 0,
    });
    const seen: string[] = [];
    for (let i = 0; i < 155; i++) {
      const { status } = await poll(scenario, { jobId: shown?.id ?? '' });
      if (seen.at(-1) !== status) seen.push(status);
      scenario.clock.advance(1000);
    }
    expect(seen).toEqual(['pending', 'queued', 'warming-up', 'in-progress', 'finalizing', 'success']);
    expect(await poll(scenario, { jobId: shown?.id ?? '' })).toMatchObject({
      progress: 1,
      metadata: { assetIds: [expect.stringMatching(/^asset_[0-9a-f]{24}$/)] },
      billing: { cuCost: 57 },
    });
  });

  it('leaves a GLB on the CDN, read through its asset and without a key', async () => {
    const scenario = await emulator();
    const asset = await read(scenario, await finishedModel(scenario));
    expect(asset).toMatchObject({ mimeType: 'model/gltf-binary', kind: '3d' });
    const answer = await fetch(asset.url);
    expect(Buffer.from(await answer.arrayBuffer()).equals(cubeGlb({ material: 'pbr' }))).toBe(true);
    expect(scenario.journal.entries({ role: 'cdn' })[0]?.warnings).toEqual([]);
  });

  it('takes the time that it is told, on a real clock', async () => {
    const scenario = await emulator({ clock: 'real', jobMs: 20 });
    const job = await submit(scenario);
    await expect
      .poll(async () => (await poll(scenario, job)).status, { interval: 5, timeout: 10_000 })
      .toBe('success');
  });

  it('has the same ids on every run', async () => {
    const ids = await Promise.all(
      [0, 1].map(async () => {
        const scenario = await emulator({ seed: 'same' });
        return [(await submit(scenario)).jobId, ...scenario.assets.all().map(({ id }) => id)];
      }),
    );
    expect(ids[0]).toEqual(ids[1]);
  });

  it('is charged once, in creative units', async () => {
    const scenario = await emulator();
    await submit(scenario);
    finish(scenario);
    expect(scenario.ledger.entries()).toMatchObject([
      { state: 'billed', units: 57, unit: 'creative units', usd: 0, note: 'success' },
    ]);
  });
});

describe('the emulator', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('does not start in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await expect(startScenarioEmulator()).rejects.toThrow('does not start when NODE_ENV is production');
  });
});
