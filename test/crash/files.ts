import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, systemCode } from '../../src/errors.js';
import { load } from '../../src/glb/load.js';
import type { Asset } from '../../src/store/types.js';

/** What lies in the data folder against what its rows say. */

/** How long a server that was started may take to tidy. */
const TIDY_MS = 20_000;

/** Every asset whose file is missing, is not what its row says, or cannot be read; and inputs that are cut. */
export async function halfFiles(dataDir: string, assets: readonly Asset[]): Promise<string[]> {
  const faults: string[] = [];
  const loaded = new Set<string>();
  for (const { id, key, sizeBytes, sha256, format } of assets) {
    try {
      const bytes = await readFile(path.join(dataDir, 'files', key));
      if (bytes.byteLength !== sizeBytes) faults.push(`${id}: ${bytes.byteLength} of ${sizeBytes} bytes`);
      else if (digest(bytes) !== sha256) faults.push(`${id}: the bytes are not those of its row`);
      // The emulators send the same few models again and again.
      else if (format === 'glb' && !loaded.has(sha256)) await load(bytes);
      loaded.add(sha256);
    } catch (error) {
      faults.push(`${id}: ${messageOf(error)}`);
    }
  }
  for (const name of await list(dataDir, 'files')) {
    const [, sha256] = /^input_([0-9a-f]{64})\./.exec(name) ?? [];
    if (sha256 === undefined) continue;
    if (digest(await readFile(path.join(dataDir, 'files', name))) !== sha256)
      faults.push(`${name} is not the image that its name says`);
  }
  return faults;
}

/** What nobody needs: temporary files, and files of no row. Input images are kept for an hour, for a call again. */
export async function orphans(dataDir: string, assets: readonly Asset[]): Promise<string[]> {
  const known = new Set(assets.map(({ key }) => key));
  const files = (await list(dataDir, 'files')).filter(
    (name) => !name.startsWith('input_') && !known.has(name),
  );
  return [
    ...files.map((name) => `files/${name}`),
    ...(await list(dataDir, 'tmp')).map((name) => `tmp/${name}`),
  ];
}

/** The orphans that are left once a server that was started has had the time to tidy. */
export async function lastingOrphans(dataDir: string, assets: readonly Asset[]): Promise<string[]> {
  const end = Date.now() + TIDY_MS;
  for (;;) {
    const left = await orphans(dataDir, assets);
    if (left.length === 0 || Date.now() > end) return left;
    await pause(200);
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function list(dataDir: string, folder: string): Promise<string[]> {
  try {
    return await readdir(path.join(dataDir, folder));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
