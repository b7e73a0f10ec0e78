import { access, constants, mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config.js';
import { messageOf, systemCode } from '../../errors.js';
import { formatBytes } from '../../jobs/words.js';
import { type Check, fail, ok, warn } from './check.js';

/** Free space under which a folder fails, and under which it is worth a word, in bytes. */
const TOO_LITTLE = 64 * 1024 ** 2;
const LITTLE = 1024 ** 3;

const ELSEWHERE = 'set MESHWRIGHT_DATA_DIR to another folder';

/** Whether jobs and files can be kept: the folder, its rights, its space. */
export async function checkDataFolder({ dataDir }: Config): Promise<Check> {
  const name = 'data folder';
  try {
    const there = await kindOf(dataDir);
    if (there === 'other') {
      return fail(name, `There is a file in the place of ${dataDir}.`, `Move it away, or ${ELSEWHERE}.`);
    }
    const folder = there === 'folder' ? dataDir : await nearestFolder(dataDir);
    await tryToWrite(folder, there === 'folder');
    const { bavail, bsize } = await statfs(folder);
    const space = `${inWords(bavail * bsize)} free`;
    if (bavail * bsize < TOO_LITTLE) {
      return fail(name, `${dataDir} has only ${space}.`, `Free some space, or ${ELSEWHERE}.`);
    }
    if (there === 'none') return ok(name, `${dataDir} (made at first use; ${space})`);
    const message = `${dataDir} (${space})`;
    return bavail * bsize < LITTLE ? warn(name, message, 'Free some space soon.') : ok(name, message);
  } catch (error) {
    return fail(
      name,
      `${dataDir} cannot be used: ${systemCode(error) ?? messageOf(error)}.`,
      `Make it a folder that you may write to, or ${ELSEWHERE}.`,
    );
  }
}

/** Whether images can be read where agents may read them. */
export async function checkAllowedFolders({ allowedDirs }: Config): Promise<Check> {
  const name = 'allowed folders';
  if (allowedDirs.length === 0) {
    return warn(name, 'none: no local file can be read or saved', 'Name some in MESHWRIGHT_ALLOWED_DIRS.');
  }
  const kinds = await Promise.all(allowedDirs.map((folder) => kindOf(folder).catch(() => 'none')));
  const missing = allowedDirs.filter((_, at) => kinds[at] !== 'folder');
  return missing.length > 0
    ? warn(
        name,
        `${missing.join(', ')} cannot be found`,
        'Make the folder, or correct MESHWRIGHT_ALLOWED_DIRS.',
      )
    : ok(name, allowedDirs.join(', '));
}

export async function kindOf(file: string): Promise<'folder' | 'other' | 'none'> {
  try {
    return (await stat(file)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'none';
    throw error;
  }
}

/** The folder in which the first missing one will be made. */
async function nearestFolder(folder: string): Promise<string> {
  const parent = path.dirname(folder);
  return (await kindOf(parent)) === 'none' ? nearestFolder(parent) : parent;
}

/** Rights alone tell too little: read-only mounts, quotas and full disks show when something is written. */
async function tryToWrite(folder: string, itself: boolean): Promise<void> {
  await access(folder, constants.W_OK | constants.X_OK);
  if (!itself) return;
  const probe = await mkdtemp(path.join(folder, 'doctor-'));
  try {
    await writeFile(path.join(probe, 'probe'), 'meshwright');
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

function inWords(bytes: number): string {
  return bytes < 1024 ** 3 ? formatBytes(bytes) : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
