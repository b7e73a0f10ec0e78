import { MeshwrightError } from '../errors.js';
import { isOfNoKind } from '../jobs/foreign-kind.js';
import { MAX_IMAGE_BYTES } from '../jobs/image-file.js';
import type { Jobs } from '../jobs/service.js';
import { assetUri } from '../jobs/uris.js';
import { viewAsset } from '../jobs/view.js';
import { newId } from '../store/ids.js';
import type { UploadLink } from '../tools/tool.js';
import { BodyTooLarge, readBody, TooManyBodies } from './body.js';
import { answer, type Exchange, refuse } from './exchange.js';
import { type Links, REFUSED_LINK } from './links.js';
import type { Locate } from '../jobs/view.js';

/** Images that callers elsewhere hand over, without a byte of them passing through a model. */

/** Time to find the file and to send it. */
const LINK_SECONDS = 900;
const AS_IT_IS = 'Send the bytes as they are, with curl --data-binary @FILE.';

export interface LinkDeps {
  links: Links;
  /** Whether the links of this principal still open anything. */
  mayUseLinks: (principal: string) => Promise<boolean>;
}

export const UPLOAD_PATH = /^\/uploads\/(asset_[0-9a-z]{26})\/([\w-]{1,400})$/;

/** A link by which one file can be sent once, for this principal: the id of the asset is given out with it. */
export function uploadLink(links: Links, base: string, principal: string): UploadLink {
  const assetId = newId('asset');
  const expires = Math.floor(Date.now() / 1000) + LINK_SECONDS;
  const owner = Buffer.from(principal).toString('base64url');
  const url = `${base}${links.sign(`/uploads/${assetId}/${owner}`, expires)}`;
  return { url, assetId, expiresAt: expires * 1000 };
}

/** Whose link it is; otherwise the refusal was sent. */
export async function ownerOfLink(
  exchange: Exchange,
  { links, mayUseLinks }: LinkDeps,
  owner: string,
): Promise<string | undefined> {
  const { url } = exchange;
  const verdict = links.check(url.pathname, url.searchParams, Date.now() / 1000);
  if (verdict !== 'valid') {
    refuse(exchange, 403, `${REFUSED_LINK[verdict]} Call upload_image for a new one.`);
    return undefined;
  }
  const principal = Buffer.from(owner, 'base64url').toString('utf8');
  if (await mayUseLinks(principal)) return principal;
  refuseLinkOfGone(exchange);
  return undefined;
}

/** A link outlives the token with which it was asked for; it must not outlive the principal. */
export function refuseLinkOfGone(exchange: Exchange): void {
  refuse(exchange, 403, 'The link was given to somebody who may not use this server any more.');
}

/** Checks the bytes and keeps them as an asset of the principal. */
export async function receiveUpload(
  exchange: Exchange,
  { jobs, locate }: { jobs: Jobs; locate: Locate },
  principal: string,
  assetId: string,
): Promise<void> {
  const { request } = exchange;
  const { 'content-type': type = '', 'content-encoding': encoding } = request.headers;
  if (type.startsWith('multipart/') || encoding !== undefined) {
    refuse(
      exchange,
      415,
      'Send the bytes of the file as the body, neither as a form nor compressed: curl --data-binary @FILE URL.',
    );
    return;
  }
  let bytes;
  try {
    bytes = await readBody(exchange, MAX_IMAGE_BYTES);
    const asset = await jobs.assets.receive(principal, assetId, bytes);
    answer(exchange, 201, {
      ...viewAsset(asset, locate),
      next: `Give "${assetUri(asset.id)}" as image_url.`,
    });
  } catch (error) {
    if (error instanceof BodyTooLarge) {
      const limit = MAX_IMAGE_BYTES / 1024 ** 2;
      refuse(exchange, 413, `The file is larger than ${limit} MiB; scale the image down.`);
    } else if (error instanceof TooManyBodies) {
      refuse(exchange, 503, 'Too much is being sent at once; try again.', { 'retry-after': '5' });
    } else if (error instanceof MeshwrightError) {
      const status = error.code === 'conflict' ? 409 : error.code === 'storage' ? 507 : 422;
      // What was sent as text has lost its line breaks.
      const mangled = bytes && error.code === 'invalid_image' && isOfNoKind(bytes);
      refuse(exchange, status, mangled ? `${error.message} ${AS_IT_IS}` : error.message);
    } else throw error;
  }
}
