import type { FileStore } from '../common/cdn.js';
import { imageTypeOf } from '../common/fixtures/images.js';
import type { Json, JsonObject } from '../common/json.js';
import type { Failure } from './failures.js';
import { modelFailure } from './failures.js';
import type { Fields } from './fields.js';

/**
 * What the model finds when it fetches its images, before any GPU work. URLs of other hosts are taken to be fine:
 * nothing is downloaded.
 */
export function inputFileFailure(
  fields: Fields,
  input: JsonObject,
  files: FileStore,
  cdnOrigins: readonly string[],
): Failure | undefined {
  for (const [name, field] of Object.entries(fields)) {
    const value = input[name];
    const urls: [(string | number)[], Json | undefined][] =
      field.kind === 'file'
        ? [[[name], value]]
        : field.kind === 'files' && Array.isArray(value)
          ? value.map((url, index) => [[name, index], url])
          : [];
    for (const [at, url] of urls) {
      const failure = typeof url === 'string' ? fileFailure(at, url, files, cdnOrigins) : undefined;
      if (failure) return failure;
    }
  }
  return undefined;
}

function fileFailure(
  at: (string | number)[],
  url: string,
  files: FileStore,
  cdnOrigins: readonly string[],
): Failure | undefined {
  const notLoaded = modelFailure(
    422,
    at,
    'Failed to load the image. Please ensure the image file is not corrupted.',
    'image_load_error',
    shortened(url),
  );
  if (url.startsWith('data:')) {
    const comma = url.indexOf(',');
    const encoding = url.slice(0, comma).endsWith(';base64') ? 'base64' : 'utf8';
    return imageTypeOf(Buffer.from(url.slice(comma + 1), encoding)) ? undefined : notLoaded;
  }
  const notFound = modelFailure(
    422,
    at,
    'Failed to download the file. Please check if the URL is accessible and try again.',
    'file_download_error',
    shortened(url),
  );
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return notFound;
  if (!cdnOrigins.includes(parsed.origin)) return isPrivate(parsed.hostname) ? notFound : undefined;
  const stored = files.get(parsed.pathname);
  if (!stored || stored.access !== 'allow') return notFound;
  return imageTypeOf(stored.bytes) ? undefined : notLoaded;
}

/** The provider's machines cannot reach what only this network can. */
function isPrivate(hostname: string): boolean {
  return /^(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[)/.test(hostname);
}

function shortened(url: string): string {
  return url.length > 200 ? `${url.slice(0, 200)}…` : url;
}
