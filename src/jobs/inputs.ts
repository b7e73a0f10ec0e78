import { createHash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../json.js';
import type { Fetcher } from '../providers/fetch.js';
import type { AssetStore, ImageRef, Job } from '../store/types.js';
import { isPublicUrl } from '../providers/url-policy.js';
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
  /** By what an equal call is known: the URL of what is public, whoever reads it, else the content. */
  names: Record<string, string | string[]>;
}

interface Named {
  ref: ImageRef;
  name: string;
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
    const names: Taken['names'] = {};
    for (const [field, value] of Object.entries(args)) {
      if (!fields.has(field)) plain[field] = value;
      else if (typeof value === 'string') {
        const { ref, name } = await this.#one(value, context, field);
        images[field] = ref;
        names[field] = name;
      } else if (Array.isArray(value)) {
        const taken: Named[] = [];
        for (const [index, item] of value.entries()) {
          if (typeof item === 'string') taken.push(await this.#one(item, context, `${field}[${index}]`));
        }
        images[field] = taken.map(({ ref }) => ref);
        names[field] = taken.map(({ name }) => name);
      }
    }
    return { plain, images, names };
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

  async #one(reference: string, context: ImageContext, field: string): Promise<Named> {
    const image = await resolveImage(reference, context, field);
    if (image.kind === 'url') return { ref: image, name: image.url };
    const url = reference.trim();
    // Another provider would have been given the URL itself; it is the same call all the same.
    const name = isPublicUrl(url, context.fetcher.allows) ? new URL(url).href : image.sha256;
    return { ref: await this.#keep(image), name };
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
  { plain, names }: Taken,
): string {
  return createHash('sha256')
    .update(canonicalJson({ principal, tool: model.tool, provider, args: plain, images: names }))
    .digest('hex');
}
