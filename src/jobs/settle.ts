import { createHash } from 'node:crypto';
import { open, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MeshwrightError, messageOf } from '../errors.js';
import type { inspectInWorker } from '../glb/run.js';
import { sniff } from '../glb/sniff.js';
import type { Json, JsonObject } from '../json.js';
import { toJson, isJsonObject } from '../json.js';
import type { Log } from '../log.js';
import { redact } from '../log.js';
import { download } from '../providers/download.js';
import { httpStatusOf } from '../providers/fetch-errors.js';
import type { Fetcher } from '../providers/fetch.js';
import { ProviderFailure } from '../providers/provider.js';
import { newId } from '../store/ids.js';
import { isFull, storageError } from '../store/trouble.js';
import type { Asset, AssetStore, Job } from '../store/types.js';
import { chargedOf, staysWrong } from './collect.js';
import type { OutputFile, Route } from './model.js';
import { safeName } from './paths.js';
import { formatBytes } from './words.js';

const BINARY = { format: 'bin', extension: 'bin', mimeType: 'application/octet-stream' } as const;

/** The files of a finished job, on disk and inspected, not yet visible to anybody. */
export interface Settled {
  assets: Asset[];
  seed: number | undefined;
  report: JsonObject | undefined;
}

/** Looks into the GLB in a file. */
export type Inspect = (file: string, options: { signal: AbortSignal }) => ReturnType<typeof inspectInWorker>;

export interface SettleDeps {
  files: AssetStore;
  fetcher: Fetcher;
  log: Log;
  inspect: Inspect;
}

/** Largest file that is taken from a provider. */
const MAX_FILE_BYTES = 1024 ** 3;
const HEAD_BYTES = 65_536;
/** After so many attempts a file that is not whole is kept as it is: it may be all there is. */
const PICKY_ATTEMPTS = 3;
/** What a provider sends instead of a file. */
const NO_FILES: ReadonlySet<string> = new Set(['html', 'xml', 'json', 'svg', 'unknown']);

/**
 * Brings every file of a finished job into the asset store: to a temporary name, hashed and checked on the way,
 * told apart by its bytes, inspected, then moved to its final name. The rows that make them visible are the
 * caller's. When one file fails, none stays.
 *
 * @throws MeshwrightError `download_failed`, `storage`, …: may be tried again without paying
 * @throws ProviderFailure when the result names no model
 */
export async function settle(
  deps: SettleDeps,
  job: Job,
  route: Route,
  memory: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Settled> {
  const output = route.output(job.result ?? null, memory);
  if (!output.files.some(({ role }) => role === 'model')) {
    throw new ProviderFailure('failed', `${job.provider} reported success but named no model file.`, {
      charged: chargedOf(job),
    });
  }
  const assets: Asset[] = [];
  const missing: string[] = [];
  try {
    // The models first: whether their links still hold says whether all have to be read again.
    for (const file of output.files.toSorted(
      (a, b) => Number(b.role === 'model') - Number(a.role === 'model'),
    )) {
      try {
        assets.push(await settleFile(deps, job, file, signal));
      } catch (error) {
        if (!canBeMissed(file, job, error) || signal.aborted) throw error;
        deps.log.warn('a file beside the model is left out', { job: job.id, error: messageOf(error) });
        missing.push(`${file.name} is missing: ${redact(messageOf(error))}`);
      }
    }
  } catch (error) {
    await Promise.all(assets.map(({ key }) => deps.files.delete(key)));
    throw error;
  }
  return { assets, seed: output.seed, report: withNotes(output.report, missing) };
}

/** A picture or a texture is no reason to lose the model; what may come at another attempt is waited for. */
function canBeMissed({ role }: OutputFile, { storeAttempts }: Job, error: unknown): boolean {
  if (role === 'model' || (error instanceof MeshwrightError && error.code === 'storage')) return false;
  const status = httpStatusOf(error);
  // Its link may only have expired; the next attempt reads it anew.
  const gone = (status === 404 || status === 410) && storeAttempts > 0;
  return gone || staysWrong(error) || storeAttempts >= PICKY_ATTEMPTS;
}

function withNotes(report: JsonObject | undefined, notes: readonly string[]): JsonObject | undefined {
  if (notes.length === 0) return report;
  const known = report?.['notes'];
  return { ...report, notes: [...(Array.isArray(known) ? known : []), ...notes] };
}

async function settleFile(deps: SettleDeps, job: Job, file: OutputFile, signal: AbortSignal): Promise<Asset> {
  const temporary = await deps.files.temporary();
  try {
    const got = await bring(deps, job, file, temporary, signal);
    const sniffed = sniff(got.head, got.sizeBytes);
    // Beside the model there may be kinds that we do not know, such as TGA or EXR.
    const kind = sniffed.format === 'unknown' && file.role !== 'model' ? BINARY : sniffed;
    if (NO_FILES.has(kind.format)) {
      throw new MeshwrightError(
        'download_failed',
        `What ${job.provider} sent as ${file.name} is no file of a known kind.`,
        {
          retryable: true,
        },
      );
    }
    const inspection = kind.format === 'glb' ? await inspectGlb(deps, job, temporary, signal) : null;
    const id = newId('asset');
    const key = `${id}.${kind.extension}`;
    await deps.files.adopt(temporary, key);
    return {
      id,
      principal: job.principal,
      jobId: job.id,
      role: file.role,
      format: kind.format,
      mimeType: kind.mimeType,
      name: `${safeName(file.name.replace(/\.[a-z0-9]+$/i, ''))}.${kind.extension}`,
      sizeBytes: got.sizeBytes,
      sha256: got.sha256,
      key,
      ...(isJsonObject(inspection) ? { inspection } : {}),
      createdAt: Date.now(),
    };
  } catch (error) {
    await rm(temporary, { force: true });
    const disk = error instanceof MeshwrightError && error.code === 'storage' ? error.cause : error;
    const folder = path.dirname(path.dirname(temporary));
    const known = storageError(disk ?? error, folder);
    throw isFull(known) ? await withFigures(known, folder, file) : known;
  }
}

/** The same error with the room that there is, and what is needed where that is known. */
async function withFigures(error: unknown, folder: string, { name, source }: OutputFile): Promise<unknown> {
  const sizeBytes = 'url' in source ? source.sizeBytes : source.bytes.byteLength;
  const needed = sizeBytes === undefined ? '' : `; ${name} needs ${formatBytes(sizeBytes)}`;
  try {
    const { bavail, bsize } = await statfs(folder);
    const figures = `Free on that disk: ${formatBytes(bavail * bsize)}${needed}.`;
    return new MeshwrightError('storage', `${messageOf(error)} ${figures}`, {
      retryable: true,
      cause: error,
    });
  } catch {
    return error;
  }
}

/** A GLB that cannot be read was probably cut on its way: it is fetched again, and kept as it is in the end. */
async function inspectGlb(deps: SettleDeps, job: Job, file: string, signal: AbortSignal): Promise<Json> {
  try {
    return toJson(await deps.inspect(file, { signal }));
  } catch (error) {
    if (signal.aborted) throw error;
    const damaged = error instanceof MeshwrightError && error.code === 'invalid_asset';
    if (damaged && job.storeAttempts < PICKY_ATTEMPTS) {
      throw new MeshwrightError('download_failed', messageOf(error), { retryable: true, cause: error });
    }
    deps.log.warn('a finished file could not be inspected', { job: job.id, error: messageOf(error) });
    return null;
  }
}

async function bring(
  deps: SettleDeps,
  { storeAttempts }: Job,
  file: OutputFile,
  temporary: string,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string; head: Uint8Array }> {
  if ('url' in file.source) {
    const { url, sizeBytes } = file.source;
    const got = await download(deps.fetcher, url, temporary, {
      signal,
      maxBytes: MAX_FILE_BYTES,
      // A provider may be wrong about the size of its own file, every time.
      expectedBytes: storeAttempts < PICKY_ATTEMPTS ? sizeBytes : undefined,
    });
    return { sizeBytes: got.sizeBytes, sha256: got.sha256, head: await readHead(temporary) };
  }
  const { bytes } = file.source;
  await writeFile(temporary, bytes, { mode: 0o600, signal });
  return {
    sizeBytes: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    head: bytes.subarray(0, HEAD_BYTES),
  };
}

async function readHead(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
