import { MeshwrightError, messageOf, systemCode } from '../errors.js';

/**
 * What SQLite and the file system report, in words for the person who owns the data folder. Nothing here is a
 * defect of meshwright: disks fill up, folders are read-only, files get damaged.
 */

type Trouble =
  'busy' | 'damaged' | 'denied' | 'foreign' | 'full' | 'handles' | 'io' | 'notFolder' | 'unreachable';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const SQLITE: ReadonlyMap<number, Trouble> = new Map([
  [3, 'denied'],
  [5, 'busy'],
  [6, 'busy'],
  [8, 'denied'],
  [10, 'io'],
  [11, 'damaged'],
  [13, 'full'],
  [14, 'denied'],
  [26, 'foreign'],
]);

const SYSTEM: ReadonlyMap<string, Trouble> = new Map([
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EFBIG', 'full'],
  ['EROFS', 'denied'],
  ['EACCES', 'denied'],
  ['EPERM', 'denied'],
  ['ENOTDIR', 'notFolder'],
  ['EEXIST', 'notFolder'],
  ['EMFILE', 'handles'],
  ['ENFILE', 'handles'],
  ['EIO', 'io'],
  ['EISDIR', 'foreign'],
  ['ENOENT', 'unreachable'],
  ['ENAMETOOLONG', 'unreachable'],
  ['ELOOP', 'unreachable'],
]);

const WORDS: Record<Trouble, (folder: string, cause: string) => string> = {
  busy: (folder) =>
    `Another process kept the data folder ${folder} locked for too long. Try again; if it stays like this, look for a meshwright server that hangs or a backup that runs.`,
  damaged: (folder) =>
    `The database in the data folder ${folder} is damaged. Stop every meshwright server, restore jobs.db from a backup or move it away, and start again; the model files beside it are not affected.`,
  denied: (folder) =>
    `The data folder ${folder} cannot be written: it is read-only or belongs to another user. Make it writable, or set MESHWRIGHT_DATA_DIR to another folder.`,
  foreign: (folder) =>
    `jobs.db in the data folder ${folder} is not a meshwright database. Move it away, or set MESHWRIGHT_DATA_DIR to another folder.`,
  full: (folder) =>
    `The disk or quota of the data folder ${folder} is full, so nothing was written. Free some space (delete_asset removes models) or set MESHWRIGHT_DATA_DIR to another disk, then try again.`,
  handles: (folder) =>
    `Too many files are open to use the data folder ${folder}. Try again in a moment, or raise the limit (ulimit -n).`,
  io: (folder, cause) =>
    `Reading or writing the data folder ${folder} failed (${cause}). Check the disk, then try again.`,
  notFolder: (folder) =>
    `${folder} cannot be the data folder: there is a file in its place. Move that file, or set MESHWRIGHT_DATA_DIR to another folder.`,
  unreachable: (folder) =>
    `The data folder ${folder} cannot be made: its place does not exist or is read-only. Set MESHWRIGHT_DATA_DIR to a folder that can be written.`,
};

/** Troubles that may be over at the next attempt. */
const PASSING: ReadonlySet<Trouble> = new Set(['busy', 'full', 'handles', 'io']);

/**
 * A MeshwrightError `storage` for what the disk or SQLite can do to anybody; everything else as it is.
 *
 * @param folder The data folder, for the text.
 */
export function storageError(error: unknown, folder: string): unknown {
  const trouble = error instanceof MeshwrightError ? undefined : troubleOf(error);
  if (trouble === undefined) return error;
  return new MeshwrightError('storage', WORDS[trouble](folder, messageOf(error)), {
    retryable: PASSING.has(trouble),
    cause: error,
  });
}

/** Whether the error says that another process holds the database at present. */
export function isBusy(error: unknown): boolean {
  return troubleOf(error) === 'busy';
}

/** Whether the error, or what `storageError` made of it, says that there is no room. */
export function isFull(error: unknown): boolean {
  return troubleOf(error instanceof MeshwrightError ? error.cause : error) === 'full';
}

function troubleOf(error: unknown): Trouble | undefined {
  const code = sqliteCode(error);
  return code === undefined ? SYSTEM.get(systemCode(error) ?? '') : SQLITE.get(code);
}

/** SQLite's primary result code, from either driver. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  // `errcode` of node:sqlite and `rawCode` of libsql may be extended codes; the low byte is the primary one.
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  if ('rawCode' in error && typeof error.rawCode === 'number') return error.rawCode & 0xff;
  // libsql says why it could not open a file only in its text: `… local database /path/jobs.db: 14`.
  const open = /Unable to open connection to local database .*: (\d+)/s.exec(error.message);
  return open ? Number(open[1]) & 0xff : undefined;
}
