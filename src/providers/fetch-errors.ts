import { MeshwrightError, systemCode } from '../errors.js';
import { maskUrl } from './url-policy.js';

/** What went wrong with a fetch, in sentences that never show a query: signed URLs are secrets. */

export function tooLarge(url: URL, maxBytes: number): MeshwrightError {
  const limit = maxBytes >= 1 << 20 ? `${Math.floor(maxBytes / (1 << 20))} MiB` : `${maxBytes} bytes`;
  return new MeshwrightError(
    'too_large',
    `${maskUrl(url)} is larger than ${limit}, which is the limit here.`,
  );
}

class HttpStatusError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** Statuses that may pass by themselves. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** `download_failed` for an answer that is not the file. */
export function statusError(url: string, status: number): MeshwrightError {
  const known: Record<number, string> = {
    401: 'it asks for a login',
    403: 'access is denied, or the link has expired',
    404: 'it is not there',
    410: 'it is gone',
    429: 'there were too many requests',
  };
  const reason = known[status] ?? 'it did not send the file';
  return new MeshwrightError('download_failed', `${maskUrl(url)} answered HTTP ${status}: ${reason}.`, {
    retryable: PASSING.has(status),
    cause: new HttpStatusError(status),
  });
}

/** The HTTP status behind a `download_failed`, if there was an answer. */
export function httpStatusOf(error: unknown): number | undefined {
  const cause = error instanceof MeshwrightError ? error.cause : undefined;
  return cause instanceof HttpStatusError ? cause.status : undefined;
}

/** Every failure of the connection in one sentence. */
export function fetchError(error: unknown, url: string | URL, signal: AbortSignal, stallMs: number): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof MeshwrightError) return error;
  const code = systemCode(error) ?? '';
  if (/_TIMEOUT$|^ETIMEDOUT$/.test(code)) {
    const what = code.includes('CONNECT') || code === 'ETIMEDOUT' ? 'could not be reached' : 'fell silent';
    const message = `${maskUrl(url)} ${what} for ${inSeconds(stallMs)}.`;
    return new MeshwrightError('timeout', message, { retryable: true, cause: error });
  }
  const { reason, retryable } = failure(code);
  return new MeshwrightError('download_failed', `${maskUrl(url)} could not be fetched: ${reason}.`, {
    retryable,
    cause: error,
  });
}

function failure(code: string): { reason: string; retryable: boolean } {
  if (code === 'ENOTFOUND') return { reason: 'there is no host of that name', retryable: false };
  if (code === 'EAI_AGAIN') return { reason: 'the name could not be looked up at present', retryable: true };
  if (code === 'ECONNREFUSED') return { reason: 'the host refused the connection', retryable: true };
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return { reason: 'its answer has oversized headers', retryable: false };
  if (/CERT|SELF_SIGNED|ERR_TLS|ERR_SSL|UNABLE_TO/.test(code)) {
    return { reason: `the secure connection failed (${code})`, retryable: false };
  }
  if (code.startsWith('HPE_')) return { reason: 'its answer is not valid HTTP', retryable: false };
  return { reason: `the connection broke${code ? ` (${code})` : ''}`, retryable: true };
}

export function inSeconds(ms: number): string {
  return `${ms < 10_000 ? Math.round(ms / 100) / 10 : Math.round(ms / 1000)} s`;
}
