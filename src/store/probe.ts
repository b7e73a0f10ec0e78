import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseAccess } from './access.js';
import { openSqlite } from './sqlite.js';

/** Whether a data folder works at this moment, for whoever looks for a fault. Nothing is changed. */

/** Long enough for every honest transaction. */
const PATIENCE_MS = 2_000;

/**
 * Takes the write lock of the database and lets go of it.
 *
 * @throws MeshwrightError `storage`: locked, read-only, full, damaged
 */
export async function tryWriteLock(dataDir: string): Promise<void> {
  const folder = path.resolve(dataDir);
  const access = new DatabaseAccess(() => openSqlite(path.join(folder, 'jobs.db')), folder, {
    patienceMs: PATIENCE_MS,
  });
  try {
    await access.write(() => undefined);
  } finally {
    await access.close();
  }
}

export interface LockHolder {
  pid: number;
  /** As the system calls it. */
  name: string;
}

/**
 * Processes that hold a write lock on the database; none where the system does not tell.
 * Linux: `/proc/locks`, see proc_locks(5).
 */
export async function lockHolders(dataDir: string): Promise<LockHolder[]> {
  const table = await readFile('/proc/locks', 'utf8').catch(() => '');
  const held = new Set<number>();
  // In WAL mode the locks are on the index of the log.
  for (const name of ['jobs.db', 'jobs.db-shm']) {
    const file = await stat(path.join(dataDir, name)).catch(() => undefined);
    if (!file) continue;
    // `1: POSIX  ADVISORY  WRITE 1234 08:01:567 0 EOF`; a line with `->` only waits.
    for (const line of table.split('\n')) {
      const [, pid, inode] = /^\d+: POSIX +\S+ +WRITE +(\d+) +\S+:(\d+) /.exec(line) ?? [];
      if (Number(inode) === file.ino && Number(pid) !== process.pid) held.add(Number(pid));
    }
  }
  return Promise.all(
    [...held].map(async (pid) => {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return { pid, name: name.trim() || 'unknown' };
    }),
  );
}
