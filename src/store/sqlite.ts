import { open as openFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import type * as nodeSqliteModule from 'node:sqlite';
import { MeshwrightError, messageOf } from '../errors.js';
import { makeFolder } from './folder.js';
import { migrate } from './schema.js';
import { isBusy } from './trouble.js';

/**
 * SQLite behind one thin synchronous interface: `node:sqlite` where the runtime has it, else `libsql`. Synchronous
 * on purpose: a transaction that cannot await cannot be left open.
 */

export type SqliteDriver = 'node:sqlite' | 'libsql';

/** Scalars only: libsql aborts the process on other single arguments (its issues 60 and 114). */
export type SqlValue = string | number | null;
export type SqlRow = Record<string, unknown>;

interface Statement {
  run(values: SqlValue[]): void;
  all(values: SqlValue[]): SqlRow[];
}

interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/**
 * How long one statement waits for another process's lock: the driver sleeps on the event loop's thread, so this only
 * spans a short commit. Whoever can wait longer tries again, see `DatabaseAccess`.
 */
const BUSY_MS = 10;

/** An open database. All methods throw what the driver throws; see `storageError`. */
export class Sqlite {
  readonly #connection: Connection;
  readonly #statements = new Map<string, Statement>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Runs statements that answer nothing. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  run(sql: string, ...values: SqlValue[]): void {
    this.#prepared(sql).run(values);
  }

  all(sql: string, ...values: SqlValue[]): SqlRow[] {
    return this.#prepared(sql).all(values);
  }

  /** The first row. */
  get(sql: string, ...values: SqlValue[]): SqlRow | undefined {
    return this.all(sql, ...values)[0];
  }

  /** Runs `body` with the write lock held, all or nothing. `body` is synchronous and may run again after a failure. */
  transaction<T>(body: () => T): T {
    this.exec('begin immediate');
    try {
      const result = body();
      this.exec('commit');
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #rollback(): void {
    try {
      this.exec('rollback');
    } catch {
      // SQLite has already rolled back by itself, as it does when the disk is full.
    }
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** The drivers that this runtime can load. */
export function sqliteDrivers(): SqliteDriver[] {
  return nodeSqlite() ? ['node:sqlite', 'libsql'] : ['libsql'];
}

function bestDriver(): SqliteDriver {
  return nodeSqlite() ? 'node:sqlite' : 'libsql';
}

/**
 * Opens or creates a database file and brings its schema up to date. Throws what the driver and the file system
 * throw; see `storageError`.
 *
 * @throws MeshwrightError `storage`: a newer meshwright, or another program, wrote the file
 */
export async function openSqlite(file: string, driver: SqliteDriver = bestDriver()): Promise<Sqlite> {
  const folder = path.dirname(file);
  await makeFolder(folder);
  // SQLite would create it readable by others; its journals take over these rights.
  await (await openFile(file, 'a', 0o600)).close();
  const rollbackOnly = await isNetworkFolder(folder);
  const db = new Sqlite(driver === 'libsql' ? await connectLibsql(file) : connectNode(file));
  try {
    configure(db, rollbackOnly);
    migrate(db, folder);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Before 3.51.3 two connections in WAL mode can damage the file (https://sqlite.org/wal.html#walresetbug). */
function hasSafeWal(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 3_051_003;
}

function configure(db: Sqlite, rollbackOnly: boolean): void {
  db.all(`pragma busy_timeout = ${BUSY_MS}`);
  const safeWal = hasSafeWal(String(db.get('select sqlite_version() as version')?.['version']));
  const wanted = safeWal && !rollbackOnly ? 'wal' : 'truncate';
  const current = db.get('pragma journal_mode')?.['journal_mode'];
  if (current !== wanted) switchJournal(db, wanted, current === 'wal');
  // In WAL mode EXTRA is the same as FULL.
  db.exec('pragma synchronous = extra');
  // An old driver that meets a newer one in WAL leaves checkpoints, where that bug is, to the newer one.
  if (!safeWal) db.all('pragma wal_autocheckpoint = 0');
  db.all('pragma mmap_size = 0');
  db.exec('pragma trusted_schema = off');
}

function switchJournal(db: Sqlite, wanted: 'wal' | 'truncate', isWal: boolean): void {
  try {
    db.all(`pragma journal_mode = ${wanted}`);
  } catch (error) {
    // Nobody can leave WAL mode while another process has the file open; this one joins it then.
    if (!isWal || !isBusy(error)) throw error;
  }
}

/** Magic numbers of statfs(2) for file systems without the shared memory that WAL needs. */
const NETWORK_TYPES = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
  0x01021997, // 9p, which WSL uses for Windows drives
  0x65735546, // FUSE: sshfs and the like
  0x00c36400, // Ceph
  0x5346414f, // AFS
]);

async function isNetworkFolder(folder: string): Promise<boolean> {
  if (process.platform === 'win32') return path.resolve(folder).startsWith('\\\\');
  if (process.platform !== 'linux') return false;
  const { type } = await statfs(folder);
  return NETWORK_TYPES.has(type >>> 0);
}

function connectNode(file: string): Connection {
  const sqlite = nodeSqlite();
  if (!sqlite) throw new Error('This Node.js has no node:sqlite.');
  const db = new sqlite.DatabaseSync(file);
  return {
    exec: (sql) => db.exec(sql),
    prepare(sql) {
      const statement = db.prepare(sql);
      return {
        run: (values) => void statement.run(...values),
        all: (values) => statement.all(...values).filter(isRow),
      };
    },
    close: () => db.close(),
  };
}

/** `node:sqlite` of Node 22.13 and later, without the warning that it prints on its first use. */
function nodeSqlite(): typeof nodeSqliteModule | undefined {
  const emitWarning = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  try {
    process.emitWarning = () => undefined;
    return process.getBuiltinModule('node:sqlite');
  } finally {
    if (emitWarning) Object.defineProperty(process, 'emitWarning', emitWarning);
  }
}

async function connectLibsql(file: string): Promise<Connection> {
  const { default: Libsql } = await import('libsql').catch((error: unknown) => {
    throw new MeshwrightError(
      'storage',
      `The database library cannot be loaded on this platform (${messageOf(error)}). Install again without --omit=optional, or use Node.js 22.13 or later.`,
      { cause: error },
    );
  });
  const db = new Libsql(file);
  return {
    exec: (sql) => void db.exec(sql),
    prepare(sql) {
      const statement = db.prepare(sql);
      return {
        // One array, never spread: see SqlValue.
        run: (values) => void statement.run(values),
        all: (values) => statement.all(values).filter(isRow),
      };
    },
    close: () => void db.close(),
  };
}

function isRow(value: unknown): value is SqlRow {
  return typeof value === 'object' && value !== null;
}
