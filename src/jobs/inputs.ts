import { createHash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../json.js';
import type { Fetcher } from '../providers/fetch.js';
import type { AssetStore, ImageRef, Job } from '../store/types.js';
import { type ImageContext, type ResolvedImage, resolveImage } from './images.js';
import { imageFields, type Model } from './model.js';

/** What a call brings along: its images checked and kept by content, and the hash by which an equal call is known. */

export type HeldImage = Extract<ImageRef, { kind: 'blob' }>;

export interface InputDeps {
  allowedDirs: (principal: string) => readonly string[];
  fetcher: Fetcher;
  files: AssetStore;
  /** The bytes of an asset of the principal; throws `not_found` for anybody else's. */
  readAsset: (principal: string, assetId: string) => Promise<Uint8Array>;
}

export interface Taken {
  /** The arguments without the images. */
  plain: JsonObject;
  images: Job['images'];
}

export class Inputs {
  readonly #deps: InputDeps;

  constructor(deps: InputDeps) {
    this.#deps = deps;
  }

  /**
   * @param passUrls whether the provider reads public https URLs by itself
   * @throws MeshwrightError with `field` set when an image cannot be taken
   */
  async take({ model, args, principal, signal }: InputCall, passUrls: boolean): Promise<Taken> {
    const { allowedDirs, fetcher, readAsset } = this.#deps;
    const context: ImageContext = {
      allowedDirs: allowedDirs(principal),
      fetcher,
      readAsset: (id) => readAsset(principal, id),
      passUrls,
      signal,
    };
    const fields = new Set(imageFields(model));
    const plain: JsonObject = {};
    const images: Job['images'] = {};
    for (const [field, value] of Object.entries(args)) {
      if (!fields.has(field)) plain[field] = value;
      else if (typeof value === 'string') images[field] = await this.#one(value, context, field);
      else if (Array.isArray(value)) {
        const refs: ImageRef[] = [];
        for (const [index, item] of value.entries()) {
          if (typeof item === 'string') refs.push(await this.#one(item, context, `${field}[${index}]`));
        }
        images[field] = refs;
      }
    }
    return { plain, images };
  }

  /** The bytes behind a public URL, for a provider that takes bytes only. */
  async fetch(url: string, field: string): Promise<HeldImage> {
    const image = await resolveImage(
      url,
      {
        allowedDirs: [],
        fetcher: this.#deps.fetcher,
        readAsset: () => Promise.reject(new Error('a URL is no asset')),
        passUrls: false,
      },
      field,
    );
    if (image.kind === 'url') throw new Error('the image was not read');
    return this.#keep(image);
  }

  async #one(reference: string, context: ImageContext, field: string): Promise<ImageRef> {
    const image = await resolveImage(reference, context, field);
    return image.kind === 'url' ? image : this.#keep(image);
  }

  async #keep(image: Extract<ResolvedImage, { kind: 'bytes' }>): Promise<HeldImage> {
    const { files } = this.#deps;
    const { sha256, mimeType, width, height } = image;
    const key = `input_${sha256}.${image.format}`;
    // An image that is used again must not be swept before the row that needs it is written.
    if (!(await files.touch(key))) await files.put(key, image.bytes);
    return { kind: 'blob', key, sha256, mimeType, width, height };
  }
}

interface InputCall {
  principal: string;
  model: Model;
  args: JsonObject;
  signal?: AbortSignal | undefined;
}

/** Equal for the same call: who, what, over which provider, with which images by content. */
export function digestOf(
  { principal, model, provider }: { principal: string; model: Model; provider: string },
  { plain, images }: Taken,
): string {
  const name = (ref: ImageRef): string => (ref.kind === 'blob' ? ref.sha256 : ref.url);
  const named = Object.fromEntries(
    Object.entries(images).map(([field, refs]) => [field, Array.isArray(refs) ? refs.map(name) : name(refs)]),
  );
  return createHash('sha256')
    .update(canonicalJson({ principal, tool: model.tool, provider, args: plain, images: named }))
    .digest('hex');
}
