import { createHash } from 'node:crypto';
import { MeshwrightError } from '../errors.js';
import type { Fetcher } from '../providers/fetch.js';
import { isPublicUrl, maskUrl } from '../providers/url-policy.js';
import { decodeDataUri } from './data-uri.js';
import { checkImage, MAX_IMAGE_BYTES, type SentFormat } from './image-file.js';
import { shown } from './path-policy.js';
import { readLocalFile } from './paths.js';

/** From what an agent writes in an image argument to verified bytes, or to a public URL that is left alone. */

export interface ImageContext {
  /** Folders that local paths may lead to. */
  allowedDirs: readonly string[];
  fetcher: Fetcher;
  /** The bytes of an asset of the caller; throws `not_found` for anybody else's. */
  readAsset: (assetId: string) => Promise<Uint8Array>;
  /** Whether the provider reads public https URLs by itself. */
  passUrls: boolean;
  signal?: AbortSignal | undefined;
}

export type ResolvedImage =
  | {
      kind: 'bytes';
      bytes: Uint8Array;
      format: SentFormat;
      mimeType: string;
      width: number;
      height: number;
      /** Of `bytes`, hex. */
      sha256: string;
      source: ImageSource;
    }
  | { kind: 'url'; url: string };

export type ImageSource = 'path' | 'data' | 'url' | 'asset';

const FORMS =
  'Give an https URL, a data URI (data:image/png;base64,…), an absolute or ~ path, a file:// URL or the URI of an asset (meshwright://assets/…).';

/** What Linux takes; other systems take less. */
const MAX_PATH_LENGTH = 4096;

const ASSET = /^(?:meshwright:\/\/assets\/)?(asset_[0-9a-z]{26})$/;

/**
 * @param field the argument, for the errors: `image_url`, `image_urls[2]`
 * @throws MeshwrightError with `field` set: `invalid_image`, `too_large`, `path_refused`, `url_refused`,
 *   `download_failed`, `timeout`, `cancelled`, `not_found`
 */
export async function resolveImage(
  reference: string,
  context: ImageContext,
  field: string,
): Promise<ResolvedImage> {
  try {
    const text = reference.trim();
    if (context.passUrls && isPublicUrl(text, context.fetcher.allows)) {
      // Parsed and written again: no line breaks, no stray spaces, one spelling of the host.
      return { kind: 'url', url: new URL(text).href };
    }
    const { bytes, source } = await readReference(text, context);
    const { format, mimeType, width, height, bytes: sent } = await checkImage(bytes, field);
    const sha256 = createHash('sha256').update(sent).digest('hex');
    return { kind: 'bytes', bytes: sent, format, mimeType, width, height, sha256, source };
  } catch (error) {
    throw inField(error, field);
  }
}

async function readReference(
  text: string,
  { allowedDirs, fetcher, readAsset, signal }: ImageContext,
): Promise<{ bytes: Uint8Array; source: ImageSource }> {
  if (text === '') throw new MeshwrightError('invalid_image', `No image was given. ${FORMS}`);
  const assetId = ASSET.exec(text)?.[1];
  if (assetId !== undefined) return { bytes: await readAsset(assetId), source: 'asset' };
  const scheme = schemeOf(text);
  switch (scheme) {
    case 'data':
      return { bytes: decodeDataUri(text, MAX_IMAGE_BYTES), source: 'data' };
    case 'https':
      return fetchImage(text, fetcher, signal);
    case 'http':
      // Plain http only from hosts that the operator named: an intranet, an emulator.
      if (URL.canParse(text) && fetcher.allows(new URL(text))) return fetchImage(text, fetcher, signal);
      throw new MeshwrightError(
        'url_refused',
        `${maskUrl(text)} is not https, so it is not fetched. ${FORMS}`,
      );
    case 'file':
    case undefined: {
      if (text.length > MAX_PATH_LENGTH) {
        throw new MeshwrightError(
          'invalid_image',
          'This is too long for a path. If it is an image in base64, write data:image/png;base64, before it.',
        );
      }
      const { bytes } = await readLocalFile(text, allowedDirs, MAX_IMAGE_BYTES);
      return { bytes, source: 'path' };
    }
    case 'meshwright':
      throw new MeshwrightError(
        'not_found',
        `${shown(text)} is not the URI of an asset. Write meshwright://assets/ and an id from list_assets.`,
      );
    default:
      throw new MeshwrightError(
        'invalid_image',
        `An image cannot be given as a "${scheme}:" address. ${FORMS}`,
      );
  }
}

/** Lower case; undefined for paths. One letter is a drive of Windows. */
function schemeOf(text: string): string | undefined {
  return /^([a-z][a-z0-9+.-]{1,20}):/i.exec(text)?.[1]?.toLowerCase();
}

async function fetchImage(
  url: string,
  fetcher: Fetcher,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array; source: ImageSource }> {
  const { bytes } = await fetcher.bytes(url, { maxBytes: MAX_IMAGE_BYTES, signal });
  return { bytes, source: 'url' };
}

/** The same error, with the argument that caused it. */
function inField(error: unknown, field: string): unknown {
  if (!(error instanceof MeshwrightError) || error.field === field) return error;
  const { code, message, retryable, charged, cause } = error;
  return new MeshwrightError(code, `${field}: ${message}`, { field, retryable, charged, cause });
}
