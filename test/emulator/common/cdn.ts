import type { Exchange, Reply } from './exchange.js';
import { headerOf } from './exchange.js';
import { fixtureOf } from './fixtures/named.js';
import { sha256 } from './json.js';

export interface StoredFile {
  /** Path on the CDN's origin. */
  path: string;
  bytes: Buffer;
  contentType: string;
  /** Milliseconds on the emulator's clock; none: kept for good. */
  expiresAt?: number | undefined;
  /** Who may read it without a signed URL. */
  access: 'allow' | 'forbid' | 'hide';
}

/** Files by path, gone once their time is over. Any provider's CDN: who may read is told by `access` or `guard`. */
export class FileStore {
  readonly #files = new Map<string, StoredFile>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  put(file: Omit<StoredFile, 'access'> & { access?: StoredFile['access'] }): StoredFile {
    const stored = { access: 'allow' as const, ...file };
    this.#files.set(file.path, stored);
    return stored;
  }

  /** @returns undefined for a file that never was or has expired */
  get(path: string): StoredFile | undefined {
    const file = this.#files.get(path);
    if (file?.expiresAt === undefined || this.#now() < file.expiresAt) return file;
    // Expired files are gone for good.
    this.#files.delete(path);
    return undefined;
  }

  delete(path: string): void {
    this.#files.delete(path);
  }

  paths(): string[] {
    return [...this.#files.keys()];
  }

  clear(): void {
    this.#files.clear();
  }
}

const etags = new WeakMap<Buffer, string>();

/** GET and HEAD of a stored file with ETag and one byte range. */
export function serveFile(exchange: Exchange, file: StoredFile | undefined): Reply {
  if (!file) return refusal(404, 'html');
  const etag = etags.get(file.bytes) ?? `"${sha256(file.bytes).slice(0, 32)}"`;
  etags.set(file.bytes, etag);
  const headers = { 'content-type': file.contentType, etag, 'accept-ranges': 'bytes' };
  if (exchange.method === 'HEAD') {
    return { status: 200, headers: { ...headers, 'content-length': String(file.bytes.length) } };
  }
  const size = file.bytes.length;
  const range = /^bytes=(\d*)-(\d*)$/.exec(headerOf(exchange.headers, 'range') ?? '');
  const ifRange = headerOf(exchange.headers, 'if-range');
  if (!range || (ifRange !== undefined && ifRange !== etag))
    return { status: 200, headers, body: file.bytes };
  const [, from = '', to = ''] = range;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (first > last) return { status: 416, headers: { 'content-range': `bytes */${size}` } };
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${first}-${last}/${size}` },
    body: file.bytes.subarray(first, last + 1),
  };
}

/** An error page as CDNs send it: never JSON. */
export function refusal(status: 403 | 404, page: 'html' | 'xml'): Reply {
  return {
    status,
    headers: { 'content-type': page === 'html' ? 'text/html' : 'application/xml' },
    body: fixtureOf(page),
  };
}
