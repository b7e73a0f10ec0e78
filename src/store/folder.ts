import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../errors.js';

/**
 * Makes a folder that only its owner may use, and those above it. Not `mkdir` with `recursive`: where a folder that
 * exists takes no other (`/proc`, some network drives) that one tries for ever.
 *
 * @throws what the file system throws; see `storageError`
 */
export async function makeFolder(folder: string): Promise<void> {
  const parent = path.dirname(folder);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (await isFolder(folder)) return;
    if (systemCode(error) !== 'ENOENT' || parent === folder) throw error;
    // Somebody else may have made it meanwhile.
    if (!(await isFolder(parent))) await makeFolder(parent);
    // Once: where it is missing again there is no progress above.
    await mkdir(folder, { mode: 0o700 }).catch(async (again: unknown) => {
      if (!(await isFolder(folder))) throw again;
    });
  }
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
}
