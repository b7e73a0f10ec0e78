import { expect, it } from 'vitest';
import { faultsOf, runAll } from './all.js';
import { cells } from './matrix.js';

/** A part of the matrix, spread over all of it; `npm run faults` is the whole. */

/** Without a factor in common with the number of faults at a step, so that all of them come up. */
const EVERY = 23;
const AT_ONCE = 8;

it('faults end in a true status, a sentence that says why and what to do, and the right charge', async () => {
  const chosen = cells().filter(({ slow, stream }, i) => !slow && !stream && i % EVERY === 0);
  expect(chosen.length).toBeGreaterThan(70);
  const outcomes = await runAll(chosen, AT_ONCE);
  expect(outcomes.flatMap(faultsOf)).toEqual([]);
}, 120_000);
