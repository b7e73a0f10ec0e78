import type { Agent, Dispatcher } from 'undici';
import { MeshwrightError } from '../errors.js';
import type { Resolve } from './address.js';
import { lookupWith, PassingRefusal, resolvePublic, systemResolve } from './address.js';
import { fetchError, inSeconds, statusError, tooLarge } from './fetch-errors.js';
import { allowList, checkUrl, maskUrl, type AllowList } from './url-policy.js';

export { httpStatusOf } from './fetch-errors.js';
export { maskUrl } from './url-policy.js';

/**
 * The checked fetch: the only way to a URL that came from an agent or from a provider's reply. It goes to public
 * hosts over https only, checks the address that it dials and every redirect, ignores proxies set in the
 * environment, and gives up on what is too large, too slow or compressed.
 */

/** More than one is common (a CDN in front of a bucket), more than three is a loop. */
const MAX_REDIRECTS = 3;

export interface FetcherOptions {
  /** `host[:port]` that may be fetched from although private or not https. */
  allowHosts: readonly string[];
  /** For tests; the system's resolver otherwise. */
  resolve?: Resolve | undefined;
  /** Longest silence: while connecting, before the answer, and within it. 30 s. */
  stallMs?: number | undefined;
}

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  /** Largest body accepted. */
  maxBytes: number;
  /** Longest time until the last byte. 120 s. */
  deadlineMs?: number | undefined;
  /** Sent to the first host only: a redirect to another origin never carries them. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** The URL comes from the configuration: any host will do. Where it redirects to is checked all the same. */
  trusted?: boolean | undefined;
  method?: 'GET' | 'POST' | 'PUT' | undefined;
  body?: Uint8Array | string | undefined;
  /** Go on from this byte if the file is still the one that `validator` (an ETag or a date) names. */
  resume?: { from: number; validator: string } | undefined;
}

export interface Fetched {
  status: number;
  /** By lower-case name; repeated ones are joined by a comma. */
  headers: ReadonlyMap<string, string>;
  /** Where the answer came from, after redirects. A secret if it is signed: see `maskUrl`. */
  url: string;
  /** Read once. Errors are `MeshwrightError` as those of `open`. */
  body: AsyncIterable<Buffer>;
  /** Ends the connection when the body is not wanted. */
  discard(): void;
}

export interface FetchedBytes {
  bytes: Buffer;
  contentType: string | undefined;
  url: string;
}

export interface Fetcher {
  /**
   * Answers as soon as the headers are there, whatever the status.
   *
   * @throws MeshwrightError `url_refused`, `download_failed` (`retryable` when it may pass), `too_large`,
   * `timeout` or `cancelled`
   */
  open(url: string, options: FetchOptions): Promise<Fetched>;
  /** Reads a whole body; a status other than 2xx is `download_failed` (see `httpStatusOf`). */
  bytes(url: string, options: FetchOptions): Promise<FetchedBytes>;
  /** Whether the operator named this URL's host in `MESHWRIGHT_ALLOW_HOSTS`. */
  readonly allows: AllowList;
  /** Ends idle connections. */
  close(): Promise<void>;
}

/** Costs nothing until the first fetch: the HTTP client is loaded then. */
export function createFetcher(options: FetcherOptions): Fetcher {
  const { stallMs = 30_000, resolve = systemResolve } = options;
  const allows = allowList(options.allowHosts);
  const agents = new Map<boolean, Agent>();

  async function send(url: URL, publicOnly: boolean, request: Request): Promise<Dispatcher.ResponseData> {
    const client = await import('./http-client.js');
    let agent = agents.get(publicOnly);
    if (!agent) {
      agent = new client.Agent({
        connect: {
          lookup: lookupWith(publicOnly ? (hostname) => resolvePublic(hostname, resolve) : resolve),
          timeout: stallMs,
          rejectUnauthorized: true,
        },
        headersTimeout: stallMs,
        bodyTimeout: stallMs,
      });
      agents.set(publicOnly, agent);
    }
    // The library notices an abort only once it is connected, which can take as long as a name lookup likes.
    return Promise.race([
      client.request(url, { dispatcher: agent, ...request }),
      whenAborted(request.signal),
    ]);
  }

  async function open(text: string, fetch: FetchOptions): Promise<Fetched> {
    const watch = startWatch(fetch.signal, fetch.deadlineMs ?? 120_000, text);
    const { method = 'GET', body = null, trusted = false } = fetch;
    let target = text;
    try {
      for (let hop = 0; ; hop++) {
        const { url, publicOnly } =
          hop === 0 ? checkUrl(target, allows, trusted) : checkHop(target, allows, text);
        const sameOrigin = hop === 0 || url.origin === new URL(text).origin;
        const headers = { ...(sameOrigin ? fetch.headers : {}), ...standardHeaders(fetch) };
        const response = await send(url, publicOnly, { method, body, headers, signal: watch.signal });
        const next = redirectOf(response, url);
        if (next === undefined) return answer(response, url, fetch.maxBytes, watch);
        drop(response.body);
        if (method !== 'GET') throw refusedRedirect(url, 'an upload is not sent anywhere else');
        if (hop === MAX_REDIRECTS)
          throw refusedRedirect(url, `${MAX_REDIRECTS} redirects were followed already`);
        target = next;
      }
    } catch (error) {
      watch.end();
      throw fetchError(error, target, watch.signal, stallMs);
    }
  }

  function answer(response: Dispatcher.ResponseData, url: URL, maxBytes: number, watch: Watch): Fetched {
    const headers = flatten(response.headers);
    const discard = (): void => {
      watch.end();
      drop(response.body);
    };
    const encoding = headers.get('content-encoding') ?? 'identity';
    if (encoding !== 'identity' && encoding !== '') {
      discard();
      throw new MeshwrightError(
        'download_failed',
        `${maskUrl(url)} was sent compressed although that was not asked for. Give a URL that serves the file as it is.`,
      );
    }
    if (Number(headers.get('content-length') ?? 0) > maxBytes) {
      discard();
      throw tooLarge(url, maxBytes);
    }
    const body = limited(response.body, url, maxBytes, watch, stallMs);
    return { status: response.statusCode, headers, url: url.href, body, discard };
  }

  async function bytes(text: string, fetch: FetchOptions): Promise<FetchedBytes> {
    const response = await open(text, fetch);
    if (response.status < 200 || response.status > 299) {
      response.discard();
      throw statusError(response.url, response.status);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    return {
      bytes: Buffer.concat(chunks),
      contentType: response.headers.get('content-type'),
      url: response.url,
    };
  }

  async function close(): Promise<void> {
    const all = [...agents.values()];
    agents.clear();
    await Promise.all(all.map((agent) => agent.destroy()));
  }

  return { open, bytes, allows, close };
}

interface Request {
  method: 'GET' | 'POST' | 'PUT';
  body: Uint8Array | string | null;
  headers: Record<string, string>;
  signal: AbortSignal;
}

/** Last, so that no caller overrides them: a compressed body could grow a thousandfold in memory. */
function standardHeaders({ resume }: FetchOptions): Record<string, string> {
  return {
    'user-agent': 'meshwright',
    'accept-encoding': 'identity',
    ...(resume ? { range: `bytes=${resume.from}-`, 'if-range': resume.validator } : {}),
  };
}

function redirectOf(response: Dispatcher.ResponseData, url: URL): string | undefined {
  const { location } = response.headers;
  if (![301, 302, 303, 307, 308].includes(response.statusCode) || typeof location !== 'string')
    return undefined;
  // What cannot be parsed is handed on as it is: the check refuses it in its own words.
  return URL.canParse(location, url.href) ? new URL(location, url.href).href : location;
}

/** @throws MeshwrightError that names both, since nobody here wrote the second */
function checkHop(target: string, allows: AllowList, from: string): ReturnType<typeof checkUrl> {
  try {
    return checkUrl(target, allows, false);
  } catch (error) {
    if (!(error instanceof MeshwrightError)) throw error;
    const cause = new PassingRefusal(error.message);
    throw new MeshwrightError('url_refused', `${maskUrl(from)} redirects elsewhere. ${error.message}`, {
      cause,
    });
  }
}

function refusedRedirect(url: URL, reason: string): MeshwrightError {
  return new MeshwrightError(
    'url_refused',
    `${maskUrl(url)} redirects to another address, which is not followed: ${reason}. Give the file's own URL.`,
    { cause: new PassingRefusal(reason) },
  );
}

function flatten(headers: Dispatcher.ResponseData['headers']): ReadonlyMap<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat.set(name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value);
  }
  return flat;
}

/** Ends a body that nobody reads. Without a listener the library's own abort error would end the process. */
function drop(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => undefined);
  body.destroy();
}

async function* limited(
  body: Dispatcher.ResponseData['body'],
  url: URL,
  maxBytes: number,
  watch: Watch,
  stallMs: number,
): AsyncGenerator<Buffer, void, undefined> {
  let received = 0;
  try {
    for await (const chunk of body) {
      const bytes: Buffer = chunk;
      received += bytes.length;
      if (received > maxBytes) throw tooLarge(url, maxBytes);
      yield bytes;
    }
  } catch (error) {
    throw fetchError(error, url, watch.signal, stallMs);
  } finally {
    watch.end();
    drop(body);
  }
}

interface Watch {
  /** Aborts with a `MeshwrightError` as its reason: `cancelled` or `timeout`. */
  signal: AbortSignal;
  end(): void;
}

function startWatch(signal: AbortSignal | undefined, deadlineMs: number, url: string): Watch {
  const controller = new AbortController();
  const late = (): void =>
    controller.abort(
      new MeshwrightError('timeout', `${maskUrl(url)} did not arrive within ${inSeconds(deadlineMs)}.`, {
        retryable: true,
      }),
    );
  const cancel = (): void =>
    controller.abort(new MeshwrightError('cancelled', `Cancelled while ${maskUrl(url)} was being fetched.`));
  const timer = setTimeout(late, deadlineMs);
  const end = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  };
  if (signal?.aborted) cancel();
  else signal?.addEventListener('abort', cancel, { once: true });
  return { signal: controller.signal, end };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
