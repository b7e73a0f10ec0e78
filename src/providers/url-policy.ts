import { isIPv6 } from 'node:net';
import { MeshwrightError } from '../errors.js';
import { literalAddress, refusedHost, whyNotPublic } from './address.js';

/** What a URL must look like before anything is sent to it, and how a URL may be shown. */

/** Answers whether the operator named this URL's host (and port) in `MESHWRIGHT_ALLOW_HOSTS`. */
export type AllowList = (url: URL) => boolean;

/** Longer URLs come from mistakes; the longest signed ones seen have 2,000 characters. */
const MAX_URL_LENGTH = 8192;

/** Names that never are on the internet (RFC 6761, RFC 8375, and what home and office routers hand out). */
const INNER_NAMES =
  /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa|test|invalid|onion)$/;

/**
 * @param entries `host` (every port of it) or `host:port`; IPv6 as `::1` or `[::1]:8080`
 * @throws MeshwrightError `configuration` when an entry is none of these
 */
export function allowList(entries: readonly string[]): AllowList {
  const allowed = new Set(entries.map(parseEntry));
  return (url) => {
    const port = url.port || (url.protocol === 'http:' ? '80' : '443');
    return allowed.has(url.hostname) || allowed.has(`${url.hostname}:${port}`);
  };
}

function parseEntry(entry: string): string {
  const text = isIPv6(entry.trim()) ? `[${entry.trim()}]` : entry.trim();
  // Parsed as the host of a scheme without a default port, so that a port is kept whichever it is.
  const match = /^(\[[^\]]*\]|[^\s:/?#@\\]+)(?::(\d{1,5}))?$/.exec(text);
  const hostname = match?.[1] === undefined ? undefined : parse(`https://${match[1]}/`)?.hostname;
  const port = match?.[2];
  if (!hostname || Number(port ?? 1) < 1 || Number(port ?? 1) > 65535) {
    throw new MeshwrightError(
      'configuration',
      `MESHWRIGHT_ALLOW_HOSTS has "${entry}", which is not a host or host:port. Write for example 127.0.0.1:8080.`,
    );
  }
  return port === undefined ? hostname : `${hostname}:${Number(port)}`;
}

export interface CheckedUrl {
  url: URL;
  /** Whether the host's addresses must be public: not for hosts that the operator allowed. */
  publicOnly: boolean;
}

/**
 * Checks all of a URL that can be checked without asking for its addresses.
 *
 * @param trusted The URL comes from the configuration, not from an agent or a reply.
 * @throws MeshwrightError `url_refused`
 */
export function checkUrl(text: string, allows: AllowList, trusted = false): CheckedUrl {
  const url = text.length <= MAX_URL_LENGTH ? parse(text) : undefined;
  if (!url?.hostname) {
    throw new MeshwrightError(
      'url_refused',
      `${maskUrl(text)} is not a URL that can be fetched. Give an https URL.`,
    );
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new MeshwrightError('url_refused', `${maskUrl(text)} is not fetched: only https URLs are.`);
  }
  if (url.username || url.password) {
    throw new MeshwrightError(
      'url_refused',
      `${maskUrl(text)} is not fetched: it carries a user name or password. Give a URL without them.`,
    );
  }
  if (trusted || allows(url)) return { url, publicOnly: false };

  const address = literalAddress(url.hostname);
  const reason = address === undefined ? undefined : whyNotPublic(address);
  if (reason) throw refusedHost(url.hostname, `it is ${reason}`, url.host);
  if (url.protocol !== 'https:') throw refusedHost(url.hostname, 'the URL is not https', url.host);
  if (url.port) throw refusedHost(url.hostname, `port ${url.port} is not the https port`, url.host);
  return { url, publicOnly: true };
}

/**
 * Whether a provider can read this URL for itself, judged by its looks alone: https, no password, and a host
 * that can be on the internet and was not named as an inner one by the operator. Nothing is looked up.
 */
export function isPublicUrl(text: string, allows: AllowList): boolean {
  const url = text.length <= MAX_URL_LENGTH ? parse(text) : undefined;
  if (url?.protocol !== 'https:') return false;
  if (url.username || url.password || allows(url)) return false;
  const address = literalAddress(url.hostname);
  if (address !== undefined) return whyNotPublic(address) === undefined;
  const name = url.hostname.replace(/\.$/, '');
  return name.includes('.') && !INNER_NAMES.test(name);
}

/**
 * A URL as it may be shown in an error or a log: host and file name. The query, where signatures are, any
 * password, and the folders between, where some providers put an unguessable id, are left out.
 */
export function maskUrl(text: string | URL): string {
  const start = String(text).slice(0, MAX_URL_LENGTH);
  const url = parse(start);
  if (!url) return `"${printable(start.replace(/[?#].*$/s, '?…')).slice(0, 60)}"`;
  if (!url.host) return `${url.protocol}…`;
  const folders = url.pathname.split('/');
  const name = folders.pop() ?? '';
  const shown = name.length > 80 ? `${name.slice(0, 40)}…` : name;
  return `${url.protocol}//${url.host.slice(0, 100)}/${folders.length > 1 ? '…/' : ''}${shown}${url.search ? '?…' : ''}`;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e…]/g, '·');
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
