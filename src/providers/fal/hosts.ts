import { MeshwrightError } from '../../errors.js';
import { type AllowList, allowList, maskUrl } from '../url-policy.js';

/** Which hosts are spoken to on fal's behalf, and which of them see the key. */

const QUEUE = 'https://queue.fal.run';
const REST = 'https://rest.fal.ai';

/** Where fal's storage takes uploads; outputs come from there as well. */
const STORAGE_HOSTS = /(^|\.)(fal\.media|fal\.ai|fal\.run)$|^storage\.googleapis\.com$/;

export interface FalHostOptions {
  /** Base URL of the queue, without a slash at the end. */
  queueUrl: string;
  /** Base URL of storage control, without a slash at the end. */
  restUrl: string;
  /** `host[:port]` that may also be uploaded to. */
  allowHosts: readonly string[];
}

export class FalHosts {
  readonly #queue: URL;
  readonly #rest: URL;
  readonly #allows: AllowList;

  constructor({ queueUrl, restUrl, allowHosts }: FalHostOptions) {
    this.#queue = new URL(queueUrl);
    this.#rest = new URL(restUrl);
    this.#allows = allowList(allowHosts);
  }

  /**
   * Where a call of the client goes: fal's own hosts to the configured base URLs, uploads to storage without the
   * key, and nothing to any other host.
   *
   * @throws MeshwrightError `url_refused`
   */
  route(url: URL): { url: URL; withKey: boolean } {
    if (url.origin === QUEUE) return { url: under(this.#queue, url), withKey: true };
    if (url.origin === REST) return { url: under(this.#rest, url), withKey: true };
    const known =
      (url.protocol === 'https:' && url.port === '' && STORAGE_HOSTS.test(url.hostname)) ||
      this.isOwn(url) ||
      this.#allows(url);
    if (known && !url.username && !url.password) return { url, withKey: false };
    throw new MeshwrightError(
      'url_refused',
      `fal wants the image uploaded to ${maskUrl(url)}, which is none of fal's hosts, so nothing was sent there. ` +
        `If that host is meant, add ${url.host} to MESHWRIGHT_ALLOW_HOSTS.`,
    );
  }

  /** Whether the operator has configured this origin as fal's. */
  isOwn({ origin }: URL): boolean {
    return origin === this.#queue.origin || origin === this.#rest.origin;
  }

  /** The address of a path of storage control, such as `/.well-known/jwks.json`. */
  restPath(path: string): URL {
    return new URL(`${this.#rest.href.replace(/\/$/, '')}${path}`);
  }

  /** The address of a path of the queue, such as `/fal-ai/trellis/requests/…`. */
  queuePath(path: string): URL {
    return new URL(`${this.#queue.href.replace(/\/$/, '')}${path}`);
  }

  /**
   * A URL from a submit's reply as it may be called with the key: on fal's queue, or where the queue is configured
   * to be. Undefined for any other host, and for one that does not speak of this request.
   */
  queueUrl(text: string | undefined, requestId: string): URL | undefined {
    if (text === undefined || !URL.canParse(text)) return undefined;
    const url = new URL(text);
    if (url.username || url.password || !url.pathname.includes(`/requests/${requestId}`)) return undefined;
    if (url.origin === QUEUE) return under(this.#queue, url);
    const base = this.#queue.pathname.replace(/\/$/, '');
    return url.origin === this.#queue.origin && url.pathname.startsWith(`${base}/`) ? url : undefined;
  }
}

/** The same path and query below another base URL. */
function under(base: URL, url: URL): URL {
  return new URL(`${base.href.replace(/\/$/, '')}${url.pathname}${url.search}`);
}
