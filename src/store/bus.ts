import { inTrace } from '../trace.js';
import type { ChangeLog, Mark } from './jobs.js';
import type { Bus } from './types.js';

/** How soon a change in another process is noticed. */
const LOOK_MS = 300;

/**
 * Changes in this process at once; those of other processes by a look at SQLite's change counter, only while
 * somebody listens. The timer does not keep the process alive.
 */
export class LocalBus implements Bus {
  readonly #log: ChangeLog;
  readonly #lookMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Map<string, Set<() => void>>();
  /** Listeners that came after the last look: what changed just before they came may not be in the log any more. */
  readonly #fresh = new Set<() => void>();
  #mark: Mark | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(log: ChangeLog, options: { lookMs?: number; onError?: (error: unknown) => void } = {}) {
    this.#log = log;
    this.#lookMs = options.lookMs ?? LOOK_MS;
    this.#onError = options.onError ?? (() => undefined);
  }

  publish(jobId: string): void {
    for (const listener of this.#listeners.get(jobId) ?? []) this.#call(listener);
  }

  subscribe(jobId: string, listener: () => void): () => void {
    let active = true;
    // A function of its own: one listener may subscribe twice, and is not called any more once it has left.
    const own = (): void => {
      if (active) listener();
    };
    const listeners = this.#listeners.get(jobId) ?? new Set();
    this.#listeners.set(jobId, listeners.add(own));
    this.#fresh.add(own);
    // For all listeners, and so in the trace of none.
    this.#timer ??= inTrace(undefined, () => setInterval(() => void this.#look(), this.#lookMs).unref());
    return () => {
      active = false;
      this.#fresh.delete(own);
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(jobId) === listeners) this.#listeners.delete(jobId);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** Ends the timer and forgets every listener. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#mark = undefined;
    this.#fresh.clear();
    this.#listeners.clear();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const fresh = [...this.#fresh];
      const { mark, ids } = await this.#log.changes(this.#mark);
      // Everybody may have left meanwhile.
      if (this.#timer === undefined) return;
      this.#mark = mark;
      for (const id of ids) this.publish(id);
      for (const listener of fresh) {
        this.#fresh.delete(listener);
        this.#call(listener);
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#looking = false;
    }
  }

  /** Not from inside `publish`: a listener that publishes or leaves must not disturb the round. */
  #call(listener: () => void): void {
    queueMicrotask(() => {
      try {
        listener();
      } catch (error) {
        this.#onError(error);
      }
    });
  }
}
