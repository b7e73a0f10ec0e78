import path from 'node:path';
import { LocalBus } from './bus.js';
import { FileAssetStore } from './files.js';
import { SqliteJobStore } from './jobs.js';
import { openSqlite } from './sqlite.js';
import type { AssetStore, Bus, JobStore, Waker } from './types.js';
import { LocalWaker } from './waker.js';

export interface Store {
  readonly jobs: JobStore;
  readonly assets: AssetStore;
  readonly bus: Bus;
  readonly waker: Waker;
  /** Stops the waker, waits a few seconds at most for the steps that run, and closes the database. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** Gets what went wrong where nobody waits: in a step, in a listener, in a sweep. */
  onError?: (error: unknown, jobId: string | undefined) => void;
}

/**
 * The embedded store: `jobs.db`, `files/` and `tmp/` in one folder that several processes may share.
 * Nothing is touched or loaded before the first use, so that start-up stays quick.
 */
export function openStore(dataDir: string, options: StoreOptions = {}): Store {
  const { clock = Date.now, onError = () => undefined } = options;
  const folder = path.resolve(dataDir);
  const jobs = new SqliteJobStore(() => openSqlite(path.join(folder, 'jobs.db')), folder);
  const bus = new LocalBus(jobs, { onError: (error) => onError(error, undefined) });
  const waker = new LocalWaker(jobs, { clock, onError });
  return {
    jobs,
    assets: new FileAssetStore(folder, { clock }),
    bus,
    waker,
    async close() {
      await waker.stop();
      bus.close();
      await jobs.close();
    },
  };
}
