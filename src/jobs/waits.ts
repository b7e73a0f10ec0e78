import { deadline } from '../deadline.js';
import type { Bus, Job } from '../store/types.js';
import { isFinal } from './transition.js';

export interface WaitOptions {
  /** How long at most. */
  ms: number;
  signal?: AbortSignal | undefined;
  onUpdate?: ((job: Job) => void) | undefined;
  /** Ends the waiting before the job has ended. */
  until?: (job: Job) => boolean;
}

/** Everybody in this process who waits for a job. */
export class Waits {
  readonly #bus: Bus;
  readonly #ending = new AbortController();
  readonly #looks = new Set<() => void>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Fires at `end`. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** Ends all waiting, from now on, as if its time were over. */
  end(): void {
    this.#ending.abort();
    for (const look of this.#looks) look();
  }

  /**
   * Waits until the job has ended, the time is over, or the signal fires; answers the job as it is then.
   *
   * @param read the job as it is
   */
  async until(id: string, read: () => Promise<Job>, options: WaitOptions): Promise<Job> {
    const end = Date.now() + options.ms;
    const { signal: over, end: forget } = deadline(options.ms, options.signal);
    let wake = (): void => undefined;
    const look = (): void => wake();
    const unsubscribe = this.#bus.subscribe(id, look);
    over.addEventListener('abort', look);
    this.#looks.add(look);
    const isOver = (): boolean => over.aborted || this.ended.aborted || Date.now() >= end;
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const job = await read();
        if (isFinal(job) || options.until?.(job) || isOver()) return job;
        options.onUpdate?.(job);
        await changed;
      }
    } finally {
      unsubscribe();
      this.#looks.delete(look);
      forget();
    }
  }
}
