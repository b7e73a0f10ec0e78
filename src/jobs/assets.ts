import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Config } from '../config.js';
import { MeshwrightError } from '../errors.js';
import { inspectInWorker, renderInWorker } from '../glb/run.js';
import type { JsonObject } from '../json.js';
import { isJsonObject, toJson } from '../json.js';
import { newId } from '../store/ids.js';
import type { Store } from '../store/index.js';
import { isFull } from '../store/trouble.js';
import type { Asset, Page } from '../store/types.js';
import { checkImage } from './image-file.js';
import { saveFile } from './paths.js';
import { assetIdOf } from './uris.js';

/** The finished files of a principal. Nobody else's exist. */

export type RenderOptions = Parameters<typeof renderInWorker>[1];

export class Assets {
  readonly #store: Store;
  readonly #configOf: (principal: string) => Config;

  constructor(store: Store, configOf: (principal: string) => Config) {
    this.#store = store;
    this.#configOf = configOf;
  }

  /**
   * @param reference an id or a `meshwright://assets/…` URI
   * @throws MeshwrightError `not_found`
   */
  async get(principal: string, reference: string): Promise<Asset> {
    const id = assetIdOf(reference);
    const asset = id === undefined ? undefined : await this.#store.jobs.getAsset(id);
    if (!asset || asset.principal !== principal) {
      throw new MeshwrightError(
        'not_found',
        `There is no asset ${reference.slice(0, 120)}. Call list_assets to see the assets there are.`,
        { field: 'asset_id' },
      );
    }
    return asset;
  }

  list(
    principal: string,
    filter: { jobId?: string | undefined; limit: number; cursor?: string | undefined },
  ): Promise<Page<Asset>> {
    return this.#store.jobs.listAssets({ principal, ...filter });
  }

  ofJob(jobId: string): Promise<Asset[]> {
    return this.#store.jobs.assetsOf(jobId);
  }

  /** Where the file lies, for callers on the same machine. */
  path(asset: Asset): string | undefined {
    return this.#store.assets.path(asset.key);
  }

  async read(principal: string, reference: string): Promise<Buffer> {
    const asset = await this.get(principal, reference);
    return this.#store.assets.read(asset.key);
  }

  /** A part of the file: `start` to `end`, both inclusive, in bytes. */
  readRange(asset: Asset, start: number, end: number): Promise<Buffer> {
    return this.#store.assets.read(asset.key, { start, end });
  }

  /**
   * Keeps an image that was handed over, under an id that was given out for it.
   *
   * @throws MeshwrightError `invalid_image`, `too_large`, `storage`; `conflict` when the id was used before
   */
  async receive(principal: string, id: string, bytes: Uint8Array): Promise<Asset> {
    const used = new MeshwrightError(
      'conflict',
      'A file was sent by this link already. Call upload_image for a new one.',
    );
    if (await this.#store.jobs.getAsset(id)) throw used;
    const image = await checkImage(bytes, 'the file');
    const sha256 = createHash('sha256').update(image.bytes).digest('hex');
    // Not the asset's own name: of two that send at once only one is kept, and the other must not replace its bytes.
    const key = `upload_${newId('asset').slice('asset_'.length)}.${image.format}`;
    const asset: Asset = {
      id,
      principal,
      role: 'other',
      format: image.format,
      mimeType: image.mimeType,
      name: `image-${sha256.slice(0, 8)}.${image.format}`,
      sizeBytes: image.bytes.length,
      sha256,
      key,
      createdAt: Date.now(),
    };
    await this.#store.assets.announce(key);
    try {
      await this.#store.assets.put(key, image.bytes);
      await this.#store.jobs.addAsset(asset);
      await this.#store.assets.confirm(key);
    } catch (error) {
      await this.#store.assets.delete(key).catch(() => undefined);
      throw (await this.#store.jobs.getAsset(id)) ? used : error;
    }
    return asset;
  }

  /** @throws MeshwrightError `invalid_asset` when it is no GLB */
  async inspect(
    principal: string,
    reference: string,
    signal?: AbortSignal,
  ): Promise<{ asset: Asset; inspection: JsonObject }> {
    const asset = await this.get(principal, reference);
    if (asset.inspection) return { asset, inspection: asset.inspection };
    const inspection = toJson(await inspectInWorker(this.#glb(asset), { signal }));
    if (!isJsonObject(inspection)) throw new Error('an inspection is an object');
    return { asset, inspection };
  }

  async render(
    principal: string,
    reference: string,
    options: RenderOptions,
  ): Promise<{ asset: Asset; picture: Awaited<ReturnType<typeof renderInWorker>> }> {
    const asset = await this.get(principal, reference);
    return { asset, picture: await renderInWorker(this.#glb(asset), options) };
  }

  /** @throws MeshwrightError `path_refused`, `conflict`, `storage`: nothing was written then */
  async save(
    principal: string,
    reference: string,
    target: { path: string; overwrite: boolean },
  ): Promise<{ path: string; sizeBytes: number }> {
    const asset = await this.get(principal, reference);
    if (!(await this.#store.assets.has(asset.key))) {
      throw new MeshwrightError(
        'not_found',
        `The file of ${asset.id} is not in the data folder any more: somebody removed it there. Make it anew with its tool.`,
        { field: 'asset_id' },
      );
    }
    const source = this.#store.assets.path(asset.key);
    const { allowedDirs, dataDir } = this.#configOf(principal);
    const path = await saveFile(target.path, {
      allowedDirs,
      // Whoever can write there can change what was paid for.
      closedDirs: [dataDir],
      overwrite: target.overwrite,
      suggestedName: asset.name,
      content: source ? createReadStream(source) : await this.#store.assets.read(asset.key),
    });
    return { path, sizeBytes: asset.sizeBytes };
  }

  /** Removes the row, then the file. */
  async delete(principal: string, reference: string): Promise<Asset> {
    const asset = await this.get(principal, reference);
    await this.#store.assets.announce(asset.key);
    try {
      await this.#store.jobs.deleteAsset(asset.id);
      await this.#store.assets.delete(asset.key);
    } catch (error) {
      if (!isFull(error)) throw error;
      // A full disk takes not even that, and the file is what makes room.
      await this.#store.assets.delete(asset.key);
      await this.#store.jobs.deleteAsset(asset.id);
    }
    return asset;
  }

  #glb(asset: Asset): string {
    const path = this.#store.assets.path(asset.key);
    if (asset.format !== 'glb' || path === undefined) {
      throw new MeshwrightError(
        'invalid_asset',
        `${asset.id} is a ${asset.format.toUpperCase()} file; only GLB files can be looked into. Save it with save_asset and open it in a 3D program.`,
        { field: 'asset_id' },
      );
    }
    return path;
  }
}
