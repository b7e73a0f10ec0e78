import { expect, it } from 'vitest';
import { Coverage } from './coverage.js';
import { explore } from './explore.js';
import { describeError, shrink } from './findings.js';
import { errorOf } from '../providers/support.js';
import { Random } from './random.js';
import { text, toText, type Target } from './target.js';

const lock = (run: Target['run']): Target => ({
  about: 'a lock',
  guides: ['/test/fuzz/lock'],
  seeds: () => [text('shut, and nothing behind it that helps')],
  maxBytes: 64,
  run,
});

/** The first input that broke it, within so many. */
async function search(target: Target, most: number, coverage?: Coverage): Promise<Uint8Array | undefined> {
  let first: Uint8Array | undefined;
  await explore(target, {
    random: new Random(7),
    coverage,
    enough: ({ execs }) => first !== undefined || execs >= most,
    found: (_error, bytes) => (first ??= bytes),
  });
  return first;
}

it('is led by the code that it reaches to what chance does not find, and shows the least of it', async () => {
  const coverage = await Coverage.start();
  const { openLock } = await import('./lock.js');
  const target = lock(openLock);
  coverage.guides = target.guides;
  const found = (await search(target, 20_000, coverage)) ?? new Uint8Array();
  await coverage.stop();
  // Without a guide ten times as many find nothing.
  expect(await search(target, 200_000)).toBeUndefined();
  expect(toText(found)).toMatch(/^open/);
  const id = describeError(await errorOf(Promise.resolve().then(() => target.run(found)))).id;
  expect(toText(await shrink(target, found, id, () => undefined))).toBe('open');
});
