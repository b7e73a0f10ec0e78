import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { MeshwrightError } from '../errors.js';
import { makeFolder } from '../store/folder.js';
import { storageError } from '../store/trouble.js';

/**
 * Links that let whoever holds them do one thing for a while: their path and the time at which they end are signed,
 * so neither can be changed. The key lies in the data folder, where every server on it finds it.
 */

const KEY_FILE = 'link.key';
const KEY_BYTES = 32;

/** What is wrong with a link that opens nothing. */
export const REFUSED_LINK = {
  expired: 'The link has ended.',
  invalid: 'The link is cut off, altered or not one of this server; in a shell it needs quotes around it.',
} as const;

export class Links {
  readonly #key: Buffer;

  /** @param key - 32 random bytes */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /**
   * @param pathname - what is allowed, as it stands in the URL, such as `/assets/asset_…/mug.glb`
   * @param expires - in seconds since 1970
   * @returns the path with `exp` and `sig`
   */
  sign(pathname: string, expires: number): string {
    const exp = Math.floor(expires);
    return `${pathname}?exp=${exp}&sig=${this.#signature(pathname, exp).toString('base64url')}`;
  }

  /**
   * @param now - in seconds since 1970
   * @returns `expired` only for links that were really ours
   */
  check(pathname: string, query: URLSearchParams, now: number): 'valid' | 'expired' | 'invalid' {
    const exp = query.get('exp') ?? '';
    const sig = query.get('sig') ?? '';
    if (!/^\d{1,12}$/.test(exp) || !/^[\w-]{43}$/.test(sig)) return 'invalid';
    const given = Buffer.from(sig, 'base64url');
    const right = this.#signature(pathname, Number(exp));
    if (given.length !== right.length || !timingSafeEqual(given, right)) return 'invalid';
    // Another spelling of the same bytes would be a second link.
    if (given.toString('base64url') !== sig || String(Number(exp)) !== exp) return 'invalid';
    return Number(exp) > now ? 'valid' : 'expired';
  }

  /** @returns 32 bytes that only the servers on this data folder know, others for each purpose */
  keyFor(purpose: string): Uint8Array {
    return createHmac('sha256', this.#key).update(`meshwright key\n${purpose}`).digest();
  }

  /** A word that only we can make of this text; it never ends. */
  seal(text: string): string {
    return createHmac('sha256', this.#key).update(`meshwright seal\n${text}`).digest('base64url');
  }

  isSealed(text: string, seal: string): boolean {
    const right = Buffer.from(this.seal(text));
    const given = Buffer.from(seal);
    return given.length === right.length && timingSafeEqual(given, right);
  }

  #signature(pathname: string, exp: number): Buffer {
    return createHmac('sha256', this.#key).update(`meshwright link\n${pathname}\n${exp}`).digest();
  }
}

/**
 * The links of a data folder; its key is made when there is none.
 *
 * @throws MeshwrightError `storage`
 */
export async function openLinks(dataDir: string): Promise<Links> {
  const file = path.join(dataDir, KEY_FILE);
  try {
    await makeFolder(dataDir);
    // Of several servers that start at once the first one's key counts.
    const made = await open(file, 'wx', 0o600);
    try {
      await made.writeFile(randomBytes(KEY_BYTES));
      await made.sync();
    } finally {
      await made.close();
    }
  } catch (error) {
    if (!isThere(error)) throw unusable(file, error);
  }
  for (let attempt = 0; attempt < 20; attempt++) {
    const key = await readFile(file).catch((error: unknown) => {
      throw unusable(file, error);
    });
    if (key.length === KEY_BYTES) return new Links(key);
    // Another server is writing it.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw unusable(file, new Error(`it should hold ${KEY_BYTES} bytes; delete it and start again`));
}

function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function unusable(file: string, error: unknown): MeshwrightError {
  // What ails the folder ails all that is in it, and is better said of the folder.
  const known = storageError(error, path.dirname(file));
  if (known instanceof MeshwrightError) return known;
  const why = error instanceof Error ? error.message : String(error);
  return new MeshwrightError('storage', `The key of file links in ${file} cannot be used: ${why}.`);
}
