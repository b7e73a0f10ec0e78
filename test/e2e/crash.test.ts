import { expect, it } from 'vitest';
import { crash } from '../crash/run.js';

/** The short form of `npm run crash`. */
it('loses no job, buys none twice and leaves no half file, whenever one of two servers is killed', async () => {
  const summary = await crash({ kills: 12, seed: 20_261_121 });
  const { lost, boughtTwice, halfFiles, orphans } = summary;
  expect({ lost, boughtTwice, halfFiles, orphans }).toEqual({
    lost: [],
    boughtTwice: [],
    halfFiles: [],
    orphans: [],
  });
  expect(summary.succeeded).toBeGreaterThan(0);
}, 360_000);
