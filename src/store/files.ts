import { open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MeshwrightError, systemCode } from '../errors.js';
import { makeFolder } from './folder.js';
import { isDeadOwner, ownerId } from './owner.js';
import { storageError } from './trouble.js';
import type { AssetStore, ByteRange } from './types.js';

/** Between the process and the key in the name of a note: a file whose row that process is about to write. */
const NOTE_ON = '+';

/** Whose writer cannot be told to be dead, as on another machine, is believed in for so long. */
const NOTE_LIFE_MS = 7 * 86_400_000;

/**
 * Files in a folder: `files/` holds what is complete, `tmp/` what is being written, and notes on what has no row yet.
 * Both lie in one folder and so on one volume, where a rename is atomic.
 */
export class FileAssetStore implements AssetStore {
  readonly #folder: string;
  readonly #files: string;
  readonly #temporary: string;
  readonly #clock: () => number;
  /** Paths of the notes on files whose rows are on the way, by key. */
  readonly #notes = new Map<string, string>();

  /** @param folder The data folder; made on first use. */
  constructor(folder: string, options: { clock?: () => number } = {}) {
    this.#folder = path.resolve(folder);
    this.#files = path.join(this.#folder, 'files');
    this.#temporary = path.join(this.#folder, 'tmp');
    this.#clock = options.clock ?? Date.now;
  }

  temporary(): Promise<string> {
    return this.#inWords(async () => {
      await makeFolder(this.#temporary);
      // Named after this process, so that another one can tell when nobody writes it any more.
      return path.join(this.#temporary, ownerId());
    });
  }

  async adopt(temporaryPath: string, key: string): Promise<void> {
    const target = this.#fileOf(key);
    if (path.dirname(path.resolve(temporaryPath)) !== this.#temporary) {
      throw new TypeError(`${temporaryPath} is not a temporary file of this store.`);
    }
    await this.announce(key);
    try {
      await this.#inWords(() => this.#adopt(temporaryPath, target));
    } catch (error) {
      await this.confirm(key);
      throw error;
    }
  }

  async #adopt(temporaryPath: string, target: string): Promise<void> {
    const file = await open(temporaryPath, 'r+');
    try {
      await file.chmod(0o600);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#publish(temporaryPath, target);
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const target = this.#fileOf(key);
    const temporary = await this.temporary();
    try {
      await this.#inWords(async () => {
        const file = await open(temporary, 'wx', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await this.#publish(temporary, target);
      });
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async read(key: string, range?: ByteRange): Promise<Buffer> {
    const target = this.#fileOf(key);
    return this.#inWords(async () => {
      const file = await open(target, 'r').catch((error: unknown) => {
        throw systemCode(error) === 'ENOENT' ? missing(key) : error;
      });
      try {
        if (!range) return await file.readFile();
        const { size } = await file.stat();
        const length = Math.max(0, Math.min(range.end + 1, size) - range.start);
        const bytes = Buffer.alloc(length);
        let filled = 0;
        while (filled < length) {
          const { bytesRead } = await file.read(bytes, filled, length - filled, range.start + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      } finally {
        await file.close();
      }
    });
  }

  path(key: string): string {
    return this.#fileOf(key);
  }

  async has(key: string): Promise<boolean> {
    return (await this.#age(this.#fileOf(key))) !== undefined;
  }

  async touch(key: string): Promise<boolean> {
    const target = this.#fileOf(key);
    const now = new Date(this.#clock());
    try {
      await utimes(target, now, now);
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw storageError(error, this.#folder);
    }
  }

  async delete(key: string): Promise<void> {
    const target = this.#fileOf(key);
    await this.#inWords(() => rm(target, { force: true }));
    await this.confirm(key);
  }

  async announce(key: string): Promise<void> {
    this.#fileOf(key);
    if (this.#notes.has(key)) return;
    try {
      const note = (await this.temporary()) + NOTE_ON + key;
      await writeFile(note, '', { mode: 0o600 });
      this.#notes.set(key, note);
    } catch {
      // Without a note it is found by its age; a full disk is no reason to refuse a file that fits.
    }
  }

  async confirm(key: string): Promise<void> {
    const note = this.#notes.get(key);
    if (note === undefined) return;
    this.#notes.delete(key);
    // What stays looks for the row, and finds it.
    await rm(note, { force: true }).catch(() => undefined);
  }

  async sweep(olderThanMs: number, isUsed: (key: string) => Promise<boolean>): Promise<number> {
    const isOld = async (file: string): Promise<boolean> => ((await this.#age(file)) ?? -1) > olderThanMs;
    let removed = 0;
    const expected = new Set<string>();
    for (const name of await this.#list(this.#temporary)) {
      const file = path.join(this.#temporary, name);
      const [owner = '', key] = name.split(NOTE_ON);
      const isDead = isDeadOwner(owner);
      // Somebody who may be alive is about to write its row, however long the other files of its job take.
      if (key !== undefined && !isDead && ((await this.#age(file)) ?? Infinity) < NOTE_LIFE_MS) {
        expected.add(key);
        continue;
      }
      if (!isDead && !(await isOld(file))) continue;
      // Whoever could have written the row is dead: it is there by now, or never will be.
      if (key === undefined || (isDead && (await this.#removeUnused(key, isUsed)))) removed++;
      await this.#inWords(() => rm(file, { recursive: true, force: true }));
    }
    for (const key of await this.#list(this.#files)) {
      // A name that is no key was put there by somebody else.
      if (!isKey(key) || expected.has(key) || !(await isOld(this.#fileOf(key))) || (await isUsed(key)))
        continue;
      if (await this.#removeUntouched(this.#fileOf(key), olderThanMs)) removed++;
    }
    return removed;
  }

  async #removeUnused(key: string, isUsed: (key: string) => Promise<boolean>): Promise<boolean> {
    if (!isKey(key) || !(await this.has(key)) || (await isUsed(key))) return false;
    await this.#inWords(() => rm(this.#fileOf(key), { force: true }));
    return true;
  }

  /** Taken aside first: of a touch and a removal at the same moment, the touch wins or finds nothing. */
  async #removeUntouched(file: string, olderThanMs: number): Promise<boolean> {
    const aside = await this.temporary();
    return this.#inWords(async () => {
      try {
        await rename(file, aside);
      } catch (error) {
        // Another process was faster.
        if (systemCode(error) === 'ENOENT') return false;
        throw error;
      }
      const { mtimeMs } = await stat(aside);
      const touched = this.#clock() - mtimeMs <= olderThanMs;
      await (touched ? rename(aside, file) : rm(aside, { force: true }));
      return !touched;
    });
  }

  async #publish(temporary: string, target: string): Promise<void> {
    await makeFolder(this.#files);
    await rename(temporary, target);
    await syncFolder(this.#files);
  }

  #fileOf(key: string): string {
    if (!isKey(key))
      throw new MeshwrightError('invalid_arguments', `${JSON.stringify(key)} is not the key of a file.`);
    return path.join(this.#files, key);
  }

  /** Milliseconds since the file was written or renamed; undefined when it is not there. */
  async #age(file: string): Promise<number | undefined> {
    try {
      const { mtimeMs, ctimeMs } = await stat(file);
      // A rename leaves the first as it is: a slow download would look old the moment it is published.
      return this.#clock() - Math.max(mtimeMs, ctimeMs);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw storageError(error, this.#folder);
    }
  }

  async #list(folder: string): Promise<string[]> {
    try {
      return await readdir(folder);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw storageError(error, this.#folder);
    }
  }

  async #inWords<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, this.#folder);
    }
  }
}

/** Lower case only, because some file systems do not tell `A` from `a`. */
function isKey(key: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{0,127}(\.[a-z0-9]{1,16})?$/.test(key);
}

function missing(key: string): MeshwrightError {
  return new MeshwrightError(
    'not_found',
    `The file ${key} is not in the data folder any more. It was deleted there; generate it again, or restore it from a backup.`,
  );
}

/** Makes a rename survive a power cut. Windows has no such call, and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
