import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import parseRange from 'range-parser';

/** Answers a request with a stored file as RFC 9110 asks: ranges, entity tag, conditions, HEAD. */

export interface StoredFile {
  /** Absolute path. */
  path: string;
  sizeBytes: number;
  /** Hex. */
  sha256: string;
  mimeType: string;
  /** For people, with extension, no folder. */
  name: string;
}

/** Large reads keep the cost of a file in the kernel, not in callbacks. */
const READ_BYTES = 256 * 1024;
/** Seconds. A file never changes, but its owner may delete it. */
const MAX_AGE_S = 3600;

/** What can run nothing when it is opened. */
const SHOWN = new Set(['image/png', 'image/jpeg', 'image/webp']);

/**
 * @param goodForSeconds - how long the caller may still have the file
 * @throws when the file cannot be read before anything was sent; a later fault cuts the connection, so that nobody takes
 *   a part for the whole
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: StoredFile,
  goodForSeconds = MAX_AGE_S,
): Promise<void> {
  const tag = `"${file.sha256}"`;
  response.setHeader('ETag', tag);
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Cache-Control', `private, max-age=${Math.min(MAX_AGE_S, Math.floor(goodForSeconds))}`);
  response.setHeader('Content-Type', file.mimeType);
  response.setHeader('Content-Disposition', disposition(file));
  // What a provider made is shown as what we checked it to be, and can run nothing in a browser.
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
  if (matches(request.headers['if-none-match'], tag)) {
    response.writeHead(304).end();
    return;
  }
  const range = rangeOf(request, file.sizeBytes, tag);
  if (range === 'unsatisfiable') {
    response.removeHeader('Content-Disposition');
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.setHeader('Content-Range', `bytes */${file.sizeBytes}`);
    response.writeHead(416).end(`The file has ${file.sizeBytes} bytes.\n`);
    return;
  }
  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 };
  const length = end - start + 1;
  const headers: Record<string, string | number> = { 'Content-Length': length };
  if (range) headers['Content-Range'] = `bytes ${start}-${end}/${file.sizeBytes}`;
  if (request.method === 'HEAD' || length === 0) {
    response.writeHead(range ? 206 : 200, headers).end();
    return;
  }
  const bytes = createReadStream(file.path, { start, end, highWaterMark: READ_BYTES });
  await new Promise<void>((resolve, reject) => {
    bytes.once('open', () => resolve());
    bytes.once('error', reject);
  });
  response.writeHead(range ? 206 : 200, headers);
  // Whoever goes away in the middle is no fault of ours; `pipeline` has closed both sides then.
  await pipeline(bytes, response).catch(() => undefined);
}

/** One range; of several ones, or of a form that is not understood, the whole file is sent, as the RFC allows. */
function rangeOf(
  { headers }: IncomingMessage,
  size: number,
  tag: string,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const { range } = headers;
  const condition = headers['if-range'];
  if (range === undefined || range.length > 200 || (condition !== undefined && condition !== tag))
    return undefined;
  const ranges = parseRange(size, range);
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  return ranges[0];
}

function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => ['*', tag].includes(part.trim().replace(/^W\//, '')));
}

/** RFC 6266: a plain name for old clients and the true one. A browser shows pictures and saves all else. */
export function disposition({ name, mimeType }: Pick<StoredFile, 'name' | 'mimeType'>): string {
  const type = SHOWN.has(mimeType) ? 'inline' : 'attachment';
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const exact = encodeURIComponent(Buffer.from(name).toString()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${type}; filename="${plain}"; filename*=UTF-8''${exact}`;
}
