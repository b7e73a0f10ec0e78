import type { ProviderStatus } from './provider.js';

/** Seconds, for a model whose jobs were never timed. */
const TYPICAL_SECONDS = 90;
/** How much of the estimate is reached after the typical time, and what it never passes. */
const SPEED = 1.6;
const LIMIT = 0.9;

/** The share of a job that is probably done after a time, from what such jobs take; never all of it. */
export function shareAfter(elapsedMs: number, typicalMs: number): number {
  // The clock may have been set back, and a job may have taken no time at all.
  return LIMIT * (1 - Math.exp((-SPEED * Math.max(0, elapsedMs)) / Math.max(1, typicalMs)));
}

/** What one look at a job told. */
export interface Seen {
  running: boolean;
  queuePosition?: number | undefined;
  /** 0 to 1, where the provider tells it. */
  progress?: number | undefined;
  /** A few words. */
  stage?: string | undefined;
}

/**
 * How far a job is: what its provider tells, and where it tells nothing, the time that such jobs take. It never
 * falls.
 */
export class TimedProgress {
  readonly #title: string;
  readonly #typicalMs: number;
  #seen: Seen = { running: false };
  #startedAt: number | undefined;
  #fraction = 0;
  #told = false;

  /** @param typicalSeconds how long jobs of this model run, if that is known */
  constructor(title: string, typicalSeconds: number | undefined) {
    this.#title = title;
    this.#typicalMs = (typicalSeconds ?? TYPICAL_SECONDS) * 1000;
  }

  /** @param now milliseconds since 1970, here and below */
  see(seen: Seen, now: number): void {
    this.#seen = seen;
    if (seen.running) this.#startedAt ??= now;
    if (seen.progress !== undefined && seen.progress > 0) {
      this.#told = true;
      this.#raise(seen.progress);
    }
  }

  at(now: number): ProviderStatus {
    const { running, queuePosition, stage } = this.#seen;
    if (running && !this.#told) {
      this.#raise(shareAfter(now - (this.#startedAt ?? now), this.#typicalMs));
    }
    return {
      running,
      queuePosition: running ? undefined : queuePosition,
      progress: this.#fraction,
      stage: stage ?? `${running ? 'running' : 'waiting'} at ${this.#title}`,
    };
  }

  #raise(fraction: number): void {
    this.#fraction = Math.max(this.#fraction, Math.min(0.99, fraction));
  }
}
