import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/server';
import { ProtocolError, ProtocolErrorCode, ResourceNotFoundError } from '@modelcontextprotocol/server';
import { MeshwrightError } from '../errors.js';
import { echo, redact } from '../log.js';
import { viewInspection } from '../jobs/inspection.js';
import type { Jobs } from '../jobs/service.js';
import { jobIdOf, assetUri, jobUri, SCHEME } from '../jobs/uris.js';
import { viewJob } from '../jobs/view.js';
import { formatBytes } from '../jobs/words.js';
import type { ServerDeps } from '../server.js';
import type { Asset } from '../store/types.js';
import type { Completion, ResourceSource } from './resources.js';

/** Jobs, assets and the catalogue as resources. */

/** Size of a part of a file, for clients that have nothing else. */
export const PART_BYTES = 4 * 1024 * 1024;
const PAGE = 50;
const COMPLETIONS = 100;
const MODELS_URI = `${SCHEME}://models`;

type Target =
  | { kind: 'models' }
  | { kind: 'job'; id: string }
  | { kind: 'asset' | 'info'; id: string }
  | { kind: 'part'; id: string; part: number };

export function ownResources(deps: ServerDeps): ResourceSource {
  const own = new OwnResources(deps);
  return {
    list: (cursor) => own.list(cursor),
    templates: TEMPLATES,
    read: (uri, signal) => own.read(uri, signal),
    complete: (argument, value) => own.complete(argument, value),
  };
}

class OwnResources {
  readonly #deps: ServerDeps;

  constructor(deps: ServerDeps) {
    this.#deps = deps;
  }

  async list(cursor: string | undefined): Promise<ListResourcesResult> {
    const jobs = await this.#deps.jobs();
    const page = await jobs.assets.list(this.#deps.principal, { limit: PAGE, cursor });
    const files = page.rows.map((asset) => ({
      uri: assetUri(asset.id),
      name: asset.name,
      mimeType: asset.mimeType,
      size: asset.sizeBytes,
      description: `${asset.role}, ${formatBytes(asset.sizeBytes)}, made ${new Date(asset.createdAt).toISOString()}`,
    }));
    const models = {
      uri: MODELS_URI,
      name: 'models',
      mimeType: 'application/json',
      description: 'All models with prices',
    };
    return {
      resources: cursor === undefined ? [models, ...files] : files,
      ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
    };
  }

  async complete(argument: string, value: string): Promise<Completion> {
    const jobs = await this.#deps.jobs();
    const { principal } = this.#deps;
    const page =
      argument === 'job_id'
        ? await jobs.list(principal, { limit: COMPLETIONS })
        : argument === 'asset_id'
          ? await jobs.assets.list(principal, { limit: COMPLETIONS })
          : { rows: [] };
    const values = page.rows.map(({ id }) => id).filter((id) => id.startsWith(value));
    return { values, hasMore: page.nextCursor !== undefined };
  }

  async read(uri: string, signal: AbortSignal): Promise<ReadResourceResult> {
    const target = parseUri(uri);
    if (!target)
      throw noResource(
        uri,
        `There is no resource ${echo(uri)}; resources/templates/list shows what there is.`,
      );
    const jobs = await this.#deps.jobs();
    return this.#readTarget(uri, target, jobs, signal).catch((error: unknown) => {
      if (error instanceof MeshwrightError && error.code === 'not_found') {
        throw noResource(uri, redact(error.message));
      }
      throw error;
    });
  }

  async #readTarget(
    uri: string,
    target: Target,
    jobs: Jobs,
    signal: AbortSignal,
  ): Promise<ReadResourceResult> {
    const { principal, locate, maxReadBytes } = this.#deps;
    switch (target.kind) {
      case 'models': {
        const { catalogue } = await import('../tools/list_models.js');
        return json(uri, await catalogue(jobs, principal));
      }
      case 'job': {
        const job = await jobs.get(principal, target.id);
        return json(
          uri,
          viewJob(job, await jobs.assets.ofJob(job.id), { locate: locate(jobs), stalled: jobs.stalled(job) }),
        );
      }
      case 'info': {
        const { asset, inspection } = await jobs.assets.inspect(principal, target.id, signal);
        return json(uri, viewInspection(asset.id, inspection));
      }
      case 'asset': {
        const asset = await jobs.assets.get(principal, target.id);
        if (asset.sizeBytes > maxReadBytes) throw this.#tooLarge(asset, jobs);
        return blob(uri, asset, await jobs.assets.read(principal, asset.id));
      }
      case 'part': {
        const asset = await jobs.assets.get(principal, target.id);
        const start = target.part * PART_BYTES;
        if (start >= Math.max(1, asset.sizeBytes))
          throw noResource(uri, `${asset.id} has ${partsOf(asset)} parts, from 0.`);
        const end = Math.min(asset.sizeBytes, start + PART_BYTES) - 1;
        return blob(uri, asset, await jobs.assets.readRange(asset, start, end));
      }
    }
  }

  #tooLarge(asset: Asset, jobs: Jobs): ProtocolError {
    const { path, url } = this.#deps.locate(jobs)(asset);
    const parts = partsOf(asset);
    return new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `${asset.id} has ${formatBytes(asset.sizeBytes)}, more than the ${formatBytes(this.#deps.maxReadBytes)} that are answered in one piece. ` +
        `Use ${path ? `the file ${path}` : url ? 'its url' : 'save_asset'}, or read its ${parts} parts ${assetUri(asset.id)}/parts/0 to ${parts - 1}.`,
      {
        code: 'too_large',
        size_bytes: asset.sizeBytes,
        sha256: asset.sha256,
        ...(path === undefined ? {} : { path }),
        ...(url === undefined ? {} : { url }),
        parts,
        part_bytes: PART_BYTES,
        part_template: `${assetUri(asset.id)}/parts/{n}`,
      },
    );
  }
}

const TEMPLATES = [
  {
    uriTemplate: jobUri('{job_id}'),
    name: 'job',
    description: 'A job; subscribe to hear of changes',
    mimeType: 'application/json',
  },
  { uriTemplate: assetUri('{asset_id}'), name: 'asset', description: 'The bytes of a file' },
  {
    uriTemplate: `${assetUri('{asset_id}')}/info`,
    name: 'asset info',
    description: 'What is inside a GLB',
    mimeType: 'application/json',
  },
  {
    uriTemplate: `${assetUri('{asset_id}')}/parts/{n}`,
    name: 'asset part',
    description: 'Part n, from 0, of 4 MiB each, of a large file',
    mimeType: 'application/octet-stream',
  },
];

/** What a URI names; ids are checked against the rows later, never used as a path. */
export function parseUri(uri: string): Target | undefined {
  if (uri === MODELS_URI) return { kind: 'models' };
  const job = jobIdOf(uri);
  if (job !== undefined) return { kind: 'job', id: job };
  const [, asset, rest, part] =
    /^meshwright:\/\/assets\/([0-9a-z_]+)(\/info|\/parts\/(\d{1,6}))?$/.exec(uri) ?? [];
  if (asset === undefined) return undefined;
  if (part !== undefined) return { kind: 'part', id: asset, part: Number(part) };
  return { kind: rest === '/info' ? 'info' : 'asset', id: asset };
}

function partsOf(asset: Asset): number {
  return Math.max(1, Math.ceil(asset.sizeBytes / PART_BYTES));
}

function json(uri: string, value: object): ReadResourceResult {
  return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(value) }] };
}

function blob(uri: string, asset: Asset, bytes: Buffer): ReadResourceResult {
  return { contents: [{ uri, mimeType: asset.mimeType, blob: bytes.toString('base64') }] };
}

function noResource(uri: string, message: string): ResourceNotFoundError {
  return new ResourceNotFoundError(echo(uri), message);
}
