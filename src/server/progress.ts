import { messageFor } from '../jobs/words.js';
import type { Job } from '../store/types.js';

/** Sends one progress notification: a rising number out of 100, and what is being done. */
export type SendProgress = (progress: number, message: string) => Promise<void>;

/** Clients give up after a silence; this stays well under every limit that is known. */
const HEARTBEAT_MS = 5_000;
/** No more often than this, but for changes of stage. */
const LEAST_MS = 200;
/** SDK clients drop a notification that arrives in the same tick as the result. */
const LAST_GAP_MS = 5;

/**
 * Progress of one call: rises with every notification as the protocol demands, tells the stage and the time
 * passed, comes at least every few seconds, and stops with the result.
 */
export class ProgressReporter {
  readonly #send: SendProgress | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Absent while the images are read, and for calls that are about no job. */
  #job: Job | undefined;
  /** What is done while there is no job. */
  #doing = 'Working';
  readonly #startedAt = Date.now();
  #sent = 0;
  #sentAt = 0;
  #stage = '';
  #stopped = false;
  #last: Promise<void> = Promise.resolve();

  /** @param send absent when the client did not ask for progress */
  constructor(send: SendProgress | undefined) {
    this.#send = send;
    if (send) this.#timer = setInterval(() => this.#tell(), HEARTBEAT_MS);
  }

  update(job: Job): void {
    if (!this.#send || this.#stopped) return;
    this.#job = job;
    const stage = `${job.state} ${job.stage} ${job.queuePosition ?? ''} ${job.trouble?.why ?? ''}`;
    if (stage === this.#stage && Date.now() - this.#sentAt < LEAST_MS) return;
    this.#stage = stage;
    this.#tell();
  }

  /** @param what - is being done from now on, in a few words */
  doing(what: string): void {
    this.#doing = what;
    if (this.#send && !this.#job) this.#tell();
  }

  #tell(): void {
    if (this.#stopped) return;
    const job = this.#job;
    const now = Date.now();
    const wanted = (job?.progress ?? 0) * 100;
    // A number that must rise although nothing is known to have moved creeps towards the end without reaching it.
    const progress = Math.min(99.9, wanted > this.#sent ? wanted : this.#sent + (100 - this.#sent) * 0.001);
    if (progress <= this.#sent) return;
    this.#sent = progress;
    this.#sentAt = now;
    const message = job
      ? messageFor(job, undefined, ((job.finishedAt ?? now) - job.createdAt) / 1000)
      : `${this.#doing} (${Math.round((now - this.#startedAt) / 1000)} s).`;
    this.#last = this.#send?.(Math.round(progress * 1000) / 1000, message) ?? this.#last;
  }

  /** Nothing is sent after this has resolved. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#last;
    if (Date.now() - this.#sentAt >= LAST_GAP_MS) return;
    await new Promise((resolve) => {
      setTimeout(resolve, LAST_GAP_MS);
    });
  }
}
