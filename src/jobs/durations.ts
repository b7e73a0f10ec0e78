import { setTimeout as pause } from 'node:timers/promises';
import type { JobStore } from '../store/types.js';
import type { Model } from './model.js';

/** How many past jobs tell how long the next one takes. */
const JOBS = 15;
const LEARN_EVERY_MS = 60_000;
/** How long whoever asks waits for what was measured. */
const PATIENCE_MS = 500;

/** How long jobs take in seconds: the median of those in this store, or else what their model declares. */
export class Durations {
  readonly #jobs: Pick<JobStore, 'durations'>;
  /** By endpoint, as what follows. */
  readonly #measured = new Map<string, number>();
  readonly #declared = new Map<string, number>();
  readonly #learnedAt = new Map<string, number>();

  constructor(jobs: Pick<JobStore, 'durations'>) {
    this.#jobs = jobs;
  }

  /** `undefined` where nobody knows, and before its model was learned. */
  ofEndpoint(endpoint: string): number | undefined {
    return this.#measured.get(endpoint) ?? this.#declared.get(endpoint);
  }

  /** Over the first of its routes that was ever used here, or else as declared. */
  async ofModel(model: Model): Promise<number | undefined> {
    // A guess is not worth the wait for a database that is locked or cannot be opened.
    const learning = this.learn(model).catch(() => undefined);
    await Promise.race([learning, pause(PATIENCE_MS, undefined, { ref: false })]);
    const measured = model.routes.map(({ endpoint }) => this.#measured.get(endpoint));
    return measured.find((seconds) => seconds !== undefined) ?? model.typicalSeconds;
  }

  /** Looks at the jobs that have ended; not more often than is of use. */
  async learn({ routes, typicalSeconds }: Model): Promise<void> {
    for (const { endpoint } of routes) {
      if (Date.now() - (this.#learnedAt.get(endpoint) ?? 0) < LEARN_EVERY_MS) continue;
      const took = (await this.#jobs.durations(endpoint, JOBS)).toSorted((a, b) => a - b);
      const median = took[took.length >> 1];
      if (median !== undefined) this.#measured.set(endpoint, Math.round(median / 100) / 10);
      if (typicalSeconds !== undefined) this.#declared.set(endpoint, typicalSeconds);
      this.#learnedAt.set(endpoint, Date.now());
    }
  }
}
