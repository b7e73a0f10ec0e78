import { setTimeout as sleep } from 'node:timers/promises';
import { MeshwrightError } from '../errors.js';
import { BatchFile } from './batch-file.js';
import { statusError } from './fetch-errors.js';
import type { Fetched, Fetcher } from './fetch.js';
import { maskUrl } from './url-policy.js';

/** Brings one file of any size from a URL to disk, at the speed of the line and in constant memory. */

/** Attempts in all; each goes on where the last one broke, when the server can. */
const ATTEMPTS = 4;

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** Largest file accepted. */
  maxBytes: number;
  /** Size that the provider named. A shorter file is truncated; a longer one is taken as it is. */
  expectedBytes?: number | undefined;
  /** At most once per megabyte. `totalBytes` is absent while nobody has named it. */
  onProgress?: ((progress: { receivedBytes: number; totalBytes?: number | undefined }) => void) | undefined;
  /** Sent to the URL's own host only. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** See `FetchOptions.trusted`. */
  trusted?: boolean | undefined;
  /** Longest time for all attempts together. 30 minutes. */
  deadlineMs?: number | undefined;
  /** Pause before the second attempt; it triples each time. 300 ms. */
  retryMs?: number | undefined;
}

export interface Downloaded {
  sizeBytes: number;
  /** Hex. */
  sha256: string;
  /** As the server said, which is often wrong: tell files by their bytes. */
  contentType: string | undefined;
  /** The first 512 bytes, or all when there are fewer. */
  head: Buffer;
}

/** What the last answer said about the file, for going on with it later. */
interface Remote {
  contentType: string | undefined;
  totalBytes: number | undefined;
  /** ETag or date that names exactly this version; absent when the server cannot resume. */
  validator: string | undefined;
}

/**
 * @param targetPath A temporary file, which is created or emptied. It holds the whole file afterwards, not yet
 *   synced to disk, and does not exist when this throws.
 * @throws MeshwrightError `download_failed` (see `httpStatusOf`), `url_refused`, `too_large`, `timeout`,
 *   `cancelled`, or `storage` when the disk does not take it
 */
export async function download(
  fetcher: Fetcher,
  url: string,
  targetPath: string,
  options: DownloadOptions,
): Promise<Downloaded> {
  const { deadlineMs = 1_800_000, retryMs = 300, signal } = options;
  const deadline = performance.now() + deadlineMs;
  const file = await BatchFile.open(targetPath);
  try {
    let remote: Remote | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        const left = Math.max(1, deadline - performance.now());
        const response = await request(fetcher, url, file, remote, { ...options, deadlineMs: left });
        remote = await begin(response, file, remote);
        await receive(response, file, remote, options);
        checkLength(url, file.size, options.expectedBytes);
        break;
      } catch (error) {
        const passing = error instanceof MeshwrightError && error.retryable;
        if (!passing || attempt === ATTEMPTS || performance.now() >= deadline) throw error;
        await pause(retryMs * 3 ** (attempt - 1), url, signal);
      }
    }
    const { head, sha256 } = await file.finish();
    return { sizeBytes: file.size, sha256, contentType: remote.contentType, head };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

async function request(
  fetcher: Fetcher,
  url: string,
  file: BatchFile,
  remote: Remote | undefined,
  options: DownloadOptions & { deadlineMs: number },
): Promise<Fetched> {
  const { signal, maxBytes, headers, trusted, deadlineMs } = options;
  const complete = remote?.totalBytes !== undefined && file.size >= remote.totalBytes;
  const resume =
    remote?.validator !== undefined && file.size > 0 && !complete
      ? { from: file.size, validator: remote.validator }
      : undefined;
  const limit = resume ? maxBytes - resume.from : maxBytes;
  const response = await fetcher.open(url, { signal, maxBytes: limit, headers, trusted, deadlineMs, resume });
  if (response.status === 200 || (response.status === 206 && resume)) return response;
  response.discard();
  // The file changed or the server does not mean what it offered: once more, from the start.
  if (response.status === 416 && resume) return request(fetcher, url, file, undefined, options);
  throw statusError(response.url, response.status);
}

/** Sets the file to where the answer begins. */
async function begin(response: Fetched, file: BatchFile, before: Remote | undefined): Promise<Remote> {
  const { headers, status } = response;
  if (status === 206 && before) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
    const sameFile = range?.[2] === '*' || Number(range?.[2]) === before.totalBytes;
    if (Number(range?.[1]) === file.size && (sameFile || before.totalBytes === undefined)) return before;
    response.discard();
    await file.restart();
    throw new MeshwrightError(
      'download_failed',
      `${maskUrl(response.url)} sent another part than was asked for.`,
      {
        retryable: true,
      },
    );
  }
  await file.restart();
  const length = headers.get('content-length');
  const etag = headers.get('etag');
  const strong = etag?.startsWith('"') ? etag : headers.get('last-modified');
  return {
    contentType: headers.get('content-type'),
    totalBytes: length === undefined ? undefined : Number(length),
    validator: headers.get('accept-ranges') === 'bytes' ? strong : undefined,
  };
}

async function receive(
  response: Fetched,
  file: BatchFile,
  remote: Remote,
  options: DownloadOptions,
): Promise<void> {
  const totalBytes = remote.totalBytes ?? options.expectedBytes;
  for await (const chunk of response.body) {
    if (await file.add(chunk)) options.onProgress?.({ receivedBytes: file.size, totalBytes });
  }
  options.onProgress?.({ receivedBytes: file.size, totalBytes });
}

/** A body that ended before its `content-length` never gets here; one without a length can only be judged so. */
function checkLength(url: string, size: number, expected: number | undefined): void {
  if (expected === undefined || size >= expected) return;
  throw new MeshwrightError('download_failed', `${maskUrl(url)} ended after ${size} of ${expected} bytes.`, {
    retryable: true,
  });
}

async function pause(ms: number, url: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch {
    throw new MeshwrightError('cancelled', `Cancelled while ${maskUrl(url)} was being fetched.`);
  }
}
