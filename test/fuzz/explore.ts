import type { Coverage } from './coverage.js';
import { mutateBytes, splice } from './mutate.js';
import type { Random } from './random.js';
import type { Target } from './target.js';

/** The search itself: seeds first, then mutations of whatever reached code that nothing had reached before. */

export interface Explored {
  execs: number;
  corpus: number;
}

export interface ExploreOptions {
  random: Random;
  /** Absent in the quick form: only the seeds are mutated then. */
  coverage?: Coverage | undefined;
  /** Asked between batches. */
  enough: (explored: Explored) => boolean;
  /** Before every input. */
  before?: (bytes: Uint8Array) => void;
  /** After the last input of every batch, before the next ones are made. */
  idle?: () => void;
  /** After every batch. */
  after?: (explored: Explored) => void;
  found: (error: unknown, bytes: Uint8Array) => void;
}

const MAX_BYTES = 64 * 1024;
const MAX_BATCH = 256;
/** Reading the coverage takes some milliseconds, so that a batch should not be over before. */
const BATCH_MS = 60;

export async function explore(target: Target, options: ExploreOptions): Promise<Explored> {
  const { random, coverage, enough, before, idle, after, found } = options;
  const seeds = await target.seeds();
  const largest = Math.max(MAX_BYTES, ...seeds.map(({ length }) => 2 * length));
  const maxBytes = target.maxBytes ?? largest;
  const corpus: Uint8Array[] = [];
  const explored: Explored = { execs: 0, corpus: 0 };

  const execute = async (bytes: Uint8Array): Promise<void> => {
    before?.(bytes);
    explored.execs++;
    try {
      await target.run(bytes);
    } catch (error) {
      found(error, bytes);
    }
  };

  /** Finds the inputs of a batch that reached something new, by running ever smaller parts of it again. */
  const keepNewest = async (batch: readonly Uint8Array[], guide: Coverage): Promise<void> => {
    for (const bytes of batch) await execute(bytes);
    if (!(await guide.grew(batch.length === 1))) return;
    const [only, ...more] = batch;
    if (only && more.length === 0) corpus.push(only);
    const half = batch.length >> 1;
    if (half === 0) return;
    await keepNewest(batch.slice(0, half), guide);
    await keepNewest(batch.slice(half), guide);
  };

  for (const seed of seeds) {
    await execute(seed);
    // Every seed is kept: a person thought of it.
    corpus.push(seed);
  }
  idle?.();
  await coverage?.grew(true);

  let size = 8;
  while (!enough(explored)) {
    const begun = performance.now();
    const batch = Array.from({ length: size }, () => next(target, corpus, random).slice(0, maxBytes));
    for (const bytes of batch) await execute(bytes);
    idle?.();
    // What was left for later breaks in time to be blamed, and messages leave the process.
    await new Promise(setImmediate);
    const share = BATCH_MS / Math.max(1, performance.now() - begun);
    size = Math.max(1, Math.min(MAX_BATCH, Math.floor(size * Math.min(2, share))));
    if (coverage && (await coverage.grew(false))) {
      await keepNewest(batch, coverage);
      idle?.();
      size = Math.max(1, size >> 1);
    }
    explored.corpus = corpus.length;
    after?.(explored);
  }
  return explored;
}

/** A mutation of an input that is worth it: the newest ones are the least tried. */
function next(target: Target, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const any = (): Uint8Array => corpus[random.below(corpus.length)] ?? new Uint8Array();
  const newest = corpus.length - 1 - random.below(Math.ceil(corpus.length / 8));
  const parent = random.chance(0.5) ? any() : (corpus[newest] ?? any());
  const { mutate = mutateBytes, tokens = [] } = target;
  if (random.chance(0.05)) return mutateBytes(splice(parent, any(), random), random, tokens);
  return random.chance(2 / 3) ? mutate(parent, random, tokens) : mutateBytes(parent, random, tokens);
}
