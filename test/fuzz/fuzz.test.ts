import { describe, expect, it } from 'vitest';
import { explore } from './explore.js';
import { describeError, hash } from './findings.js';
import { MAX_HANG_MS } from './hunt.js';
import { Random } from './random.js';
import { loadTarget, targetNames } from './targets.js';

/**
 * The quick form of `npm run fuzz`: what every parser of outside bytes was ever broken by, and some hundred inputs
 * more, the same ones in every run.
 */
const QUICK = 250;
const SEED = 20_261_120;

const names = await targetNames();

describe('what comes from outside breaks nothing', () => {
  it.each(names)('%s', async (name) => {
    const target = await loadTarget(name);
    const seeds = (await target.seeds()).length;
    const broken: string[] = [];
    let begun = performance.now();
    let last = '';
    const look = (bytes: Uint8Array): void => {
      const now = performance.now();
      if (now - begun > MAX_HANG_MS) broken.push(`took ${Math.round(now - begun)} ms: ${last}`);
      begun = now;
      last = hash(bytes);
    };
    await explore(target, {
      random: new Random(SEED),
      enough: ({ execs }) => execs >= seeds + (target.quick ?? QUICK),
      before: look,
      found: (error) => broken.push(describeError(error).summary),
    });
    look(new Uint8Array());
    await target.close?.();
    expect(broken).toEqual([]);
  });
});
