import { expect, it } from 'vitest';
import { crash, seeded } from '../../scripts/crash.js';

it('finishes every job that it acknowledged, although it was killed in the middle', async () => {
  const summary = await crash(6, seeded(20_261_121), 2500);
  expect(summary.faults).toEqual([]);
  expect(summary.acknowledged).toBeGreaterThan(0);
  expect(summary.finished).toBe(summary.acknowledged);
}, 120_000);
