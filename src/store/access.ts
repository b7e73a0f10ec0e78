import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { MeshwrightError } from '../errors.js';
import type { Sqlite } from './sqlite.js';
import { isBusy, storageError } from './trouble.js';

/** How long a lock of another process is waited for, in milliseconds. */
const PATIENCE_MS = 15_000;
/** First and longest pause between two attempts, in milliseconds. Attempts block the event loop; pauses do not. */
const PAUSE_MS = 5;
const MAX_PAUSE_MS = 50;
/** Writes in one transaction: enough to share the wait for the disk, few enough not to hold up the event loop. */
const MAX_BATCH = 64;

interface Write {
  /** Until when a lock of another process is waited for, on the clock that nobody sets. */
  until: number;
  /** Does the work and answers how to report it once it is on disk. */
  run: (db: Sqlite) => () => void;
  reject: (error: unknown) => void;
}

/**
 * Access to a database that is opened on first use. A locked database is waited for; what disks can do to anybody
 * comes out as MeshwrightError `storage`. Writes that arrive together share one transaction, because the wait for
 * the disk is nearly all that a write costs; each is acknowledged only after the commit.
 */
export class DatabaseAccess {
  readonly #connect: () => Promise<Sqlite>;
  readonly #folder: string;
  readonly #patienceMs: number;
  #connection: Promise<Sqlite> | undefined;
  #closed = false;
  #waiting: Write[] = [];
  #draining: Promise<void> | undefined;

  /**
   * @param connect Opens the database; called again after it failed.
   * @param folder The data folder, for error texts.
   * @param options.patienceMs How long a lock of another process is waited for.
   */
  constructor(connect: () => Promise<Sqlite>, folder: string, options: { patienceMs?: number } = {}) {
    this.#connect = connect;
    this.#folder = folder;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
  }

  async read<T>(body: (db: Sqlite) => T): Promise<T> {
    if (this.#closed) throw closedError();
    try {
      const end = performance.now() + this.#patienceMs;
      return await this.#patiently(body, () => performance.now() < end);
    } catch (error) {
      throw storageError(error, this.#folder);
    }
  }

  /** @param body Runs with the write lock held, all or nothing. Without effects of its own: it may run again. */
  write<T>(body: (db: Sqlite) => T): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const run = (db: Sqlite): (() => void) => {
        const value = body(db);
        return () => resolve(value);
      };
      const until = performance.now() + this.#patienceMs;
      this.#waiting.push({ until, run, reject: (error) => reject(storageError(error, this.#folder)) });
      this.#draining ??= this.#drain();
    });
  }

  /** Finishes the writes that were begun. Later calls are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    const db = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    db?.close();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Others get a turn between two waits for the disk, and more writes come together meanwhile.
      await nextTurn();
      await this.#commit(this.#waiting.splice(0, MAX_BATCH));
    }
    this.#draining = undefined;
  }

  async #commit(batch: Write[]): Promise<void> {
    let left = batch;
    // A write waits from when it was asked for, not from when those before it have given up.
    const isLeft = (error: unknown): boolean => {
      const now = performance.now();
      for (const { until, reject } of left) if (until <= now) reject(error);
      left = left.filter(({ until }) => until > now);
      return left.length > 0;
    };
    try {
      const all = (db: Sqlite): (() => void)[] => db.transaction(() => left.map(({ run }) => run(db)));
      for (const report of await this.#patiently(all, isLeft)) report();
    } catch (error) {
      if (left.length <= 1) for (const { reject } of left) reject(error);
      // One failed and took the others with it: each alone, then.
      else for (const write of left) await this.#commit([write]);
    }
  }

  /** Tries again, ever more rarely, while another process holds the lock; the event loop turns meanwhile. */
  async #patiently<T>(body: (db: Sqlite) => T, goesOn: (error: unknown) => boolean): Promise<T> {
    for (let pause = PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, 2 * pause)) {
      try {
        return body(await this.#open());
      } catch (error) {
        if (!isBusy(error) || !goesOn(error)) throw error;
      }
      // At random, or two processes that began together collide again and again.
      await delay(pause * (0.5 + Math.random()));
    }
  }

  #open(): Promise<Sqlite> {
    if (this.#connection) return this.#connection;
    const opening = this.#connect();
    this.#connection = opening;
    opening.catch(() => {
      if (this.#connection === opening) this.#connection = undefined;
    });
    return opening;
  }
}

function closedError(): MeshwrightError {
  return new MeshwrightError('storage', 'The store is closed: the server is shutting down.', {
    retryable: true,
  });
}
