import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { MeshwrightError, messageOf } from '../errors.js';

const BATCH_BYTES = 1 << 20;
const HEAD_BYTES = 512;

/**
 * A file that is written in batches of a megabyte, hashed on the way, with one write under way while the next
 * batch fills: nearly twice as fast as a stream pipeline, whose every chunk is a write of its own. Every method
 * but `discard` throws a MeshwrightError `storage` when the disk does not take it.
 */
export class BatchFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #head: Buffer = Buffer.alloc(0);
  #filling = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #spare = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #filled = 0;
  /** Bytes handed to the file system. */
  #written = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Creates or empties the file. */
  static async open(path: string): Promise<BatchFile> {
    const handle = await open(path, 'w', 0o600).catch((error: unknown) => {
      throw notStored(error);
    });
    return new BatchFile(path, handle);
  }

  /** Bytes taken so far, written or not. */
  get size(): number {
    return this.#written + this.#filled;
  }

  /** Answers whether a batch went to disk with it. */
  async add(chunk: Buffer): Promise<boolean> {
    let flushed = false;
    for (let from = 0; from < chunk.length;) {
      const taken = chunk.copy(this.#filling, this.#filled, from);
      this.#filled += taken;
      from += taken;
      if (this.#filled < BATCH_BYTES) continue;
      await this.#flush();
      flushed = true;
    }
    return flushed;
  }

  async #flush(): Promise<void> {
    const full = this.#filling.subarray(0, this.#filled);
    this.#hash.update(full);
    if (this.#written === 0) this.#head = Buffer.from(full.subarray(0, HEAD_BYTES));
    await this.#writing;
    const writing = writeAll(this.#handle, full, this.#written);
    this.#written += this.#filled;
    this.#filled = 0;
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    // A failure is thrown where the write is awaited, by the next flush.
    writing.catch(() => undefined);
    this.#writing = writing;
  }

  /** Back to an empty file. */
  async restart(): Promise<void> {
    await this.#writing;
    if (this.size === 0) return;
    await this.#handle.truncate(0).catch((error: unknown) => {
      throw notStored(error);
    });
    this.#hash = createHash('sha256');
    this.#filled = 0;
    this.#written = 0;
  }

  /** Writes what is left and closes. The bytes are not synced to disk. */
  async finish(): Promise<{ sha256: string; head: Buffer }> {
    await this.#flush();
    await this.#writing;
    await this.#handle.close();
    return { sha256: this.#hash.digest('hex'), head: this.#head };
  }

  /** Closes and removes the file. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    await rm(this.#path, { force: true });
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  try {
    // A nearly full disk takes only a part of what it is given.
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  } catch (error) {
    throw notStored(error);
  }
}

/** What to do about it is said where the folder is known. */
function notStored(error: unknown): MeshwrightError {
  return new MeshwrightError('storage', `A downloaded file could not be stored: ${messageOf(error)}.`, {
    cause: error,
  });
}
