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
    // Without progress above there is none here.
    if (systemCode(error) !== 'ENOENT' || parent === folder || (await isFolder(parent))) throw error;
    await makeFolder(parent);
    await makeFolder(folder);
  }
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
}
