import type { ProviderStatus } from '../provider.js';
import { shareAfter } from '../timed-progress.js';
import { type LogNews, readLogLine } from './log-line.js';
import type { FalStatus, LogEntry } from './status.js';

/** Seconds, for a model whose jobs were never timed. */
const TYPICAL_SECONDS = 60;
/** A model's bars are stages of unknown number: each is taken for this share of what was left when it began. */
const STAGE_SHARE = 0.3;
/** A bar that falls by more is another stage with the same name. */
const RESTART = 0.3;
/** The rest is known to be done only when fal says so. */
const LIMIT = 0.99;

/**
 * How far a job is, from all that fal tells: the place in the queue, then the model's own lines, and the time that
 * jobs of this model usually take where the lines give no number. It never falls.
 */
export class Progress {
  readonly #typicalMs: number;
  #state: FalStatus['state'] = 'queued';
  #queuePosition: number | undefined;
  #startedAt: number | undefined;
  #fraction = 0;
  #stage: string | undefined;
  #lastLine: LogEntry | undefined;
  /** The bar that is filling: where it began, and how full it was last. */
  #bar: { label: string | undefined; base: number; fraction: number } | undefined;

  /** @param typicalSeconds how long jobs of this model run, if that is known */
  constructor(typicalSeconds: number | undefined) {
    this.#typicalMs = (typicalSeconds ?? TYPICAL_SECONDS) * 1000;
  }

  /** @param now milliseconds since 1970, here and below */
  seen(status: FalStatus, now: number): void {
    this.#state = status.state;
    this.#queuePosition = status.queuePosition;
    if (status.state !== 'queued') this.#startedAt ??= now;
    for (const { message } of this.#fresh(status.logs)) this.#read(readLogLine(message));
  }

  at(now: number): ProviderStatus {
    if (this.#state === 'queued') {
      return {
        running: false,
        queuePosition: this.#queuePosition,
        progress: this.#fraction,
        stage: 'waiting at fal',
      };
    }
    this.#raise(shareAfter(now - (this.#startedAt ?? now), this.#typicalMs));
    return { running: true, progress: this.#fraction, stage: this.#stage ?? 'running at fal' };
  }

  /** The entries that were not seen before: fal shows a window that slides. */
  #fresh(logs: readonly LogEntry[]): readonly LogEntry[] {
    const last = logs.at(-1);
    if (!last) return logs;
    const before = this.#lastLine;
    const seen = logs.findLastIndex(
      ({ message, timestamp }) => message === before?.message && timestamp === before.timestamp,
    );
    this.#lastLine = last;
    return logs.slice(seen + 1);
  }

  #read({ stage, fraction, whole }: LogNews): void {
    if (stage !== undefined) this.#stage = stage;
    if (fraction === undefined) return;
    if (whole) {
      this.#raise(fraction);
      return;
    }
    const bar = this.#bar;
    const same = bar && bar.label === stage && fraction > bar.fraction - RESTART;
    const base = same ? bar.base : this.#fraction;
    this.#bar = { label: stage, base, fraction };
    this.#raise(base + (1 - base) * STAGE_SHARE * fraction);
  }

  #raise(fraction: number): void {
    this.#fraction = Math.max(this.#fraction, Math.min(LIMIT, fraction));
  }
}
