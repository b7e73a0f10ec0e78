import type { JobStore } from '../store/types.js';
import type { Model } from './model.js';

/** How many past jobs tell how long the next one takes. */
const JOBS = 15;
const LEARN_EVERY_MS = 60_000;

/** How long jobs take, by endpoint: measured in this store, or else as the model declares. */
export class Durations {
  readonly #jobs: Pick<JobStore, 'durations'>;
  readonly #seconds = new Map<string, number>();
  readonly #learnedAt = new Map<string, number>();

  constructor(jobs: Pick<JobStore, 'durations'>) {
    this.#jobs = jobs;
  }

  /** `undefined` where nobody knows, and for a model that was not asked about yet. */
  typicalSeconds(endpoint: string): number | undefined {
    return this.#seconds.get(endpoint);
  }

  /** The median of the last jobs says better how long the next one takes than any page does. */
  async learn(model: Model): Promise<void> {
    for (const { endpoint } of model.routes) {
      if (Date.now() - (this.#learnedAt.get(endpoint) ?? 0) < LEARN_EVERY_MS) continue;
      this.#learnedAt.set(endpoint, Date.now());
      const took = (await this.#jobs.durations(endpoint, JOBS)).toSorted((a, b) => a - b);
      const median = took[took.length >> 1];
      const seconds = median === undefined ? model.typicalSeconds : median / 1000;
      if (seconds !== undefined) this.#seconds.set(endpoint, seconds);
    }
  }
}
