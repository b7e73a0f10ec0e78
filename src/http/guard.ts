import type { IncomingMessage } from 'node:http';
import type { Config } from '../config.js';

/**
 * What a browser may be made to send: a page of any site can reach a server on loopback, so the Host and the Origin
 * of a request are checked before anything is done with it (protocol, section on security; DNS rebinding).
 */

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'Last-Event-ID',
  'Mcp-Session-Id',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Range',
  'If-None-Match',
  'Traceparent',
  'Tracestate',
].join(', ');
const EXPOSED_HEADERS = [
  'Mcp-Session-Id',
  'WWW-Authenticate',
  'Retry-After',
  'Content-Range',
  'Accept-Ranges',
  'Content-Disposition',
  'ETag',
].join(', ');
const PREFLIGHT_S = 600;

/** `127.0.0.1`, `::1`, `localhost` and the rest of 127.0.0.0/8. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

/** Whether to bind to this takes every address of the machine, so that it says nothing of where callers reach it. */
export function isEveryAddress(host: string): boolean {
  return ['0.0.0.0', '::', '[::]', ''].includes(host);
}

export class Guard {
  /** Absent when any name may be called: the caller is known by a token then. */
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #origins: ReadonlySet<string>;
  readonly #loopback: boolean;

  /** @param host - what the server is bound to */
  constructor({ publicUrl, allowOrigins }: Pick<Config, 'publicUrl' | 'allowOrigins'>, host: string) {
    this.#loopback = isLoopback(host);
    const own = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
    const named = isEveryAddress(host) ? [] : [host.includes(':') ? `[${host.replace(/[[\]]/g, '')}]` : host];
    this.#hosts =
      isEveryAddress(host) && publicUrl === undefined
        ? undefined
        : new Set([...LOOPBACK_NAMES, ...own, ...named].map((name) => name.toLowerCase()));
    this.#origins = new Set([
      ...allowOrigins,
      ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin]),
    ]);
  }

  /** Why a request may not come in; `undefined` when it may. */
  refusal({ headers }: IncomingMessage): string | undefined {
    const { host = '', origin } = headers;
    if (this.#hosts && !this.#hosts.has(nameOf(host))) {
      return `This server is not called ${printable(host)}; set MESHWRIGHT_PUBLIC_URL if it is.`;
    }
    if (origin === 'null') {
      return 'Pages without an origin (local files, sandboxed frames) may not call this server; open the page from an http or https address.';
    }
    if (origin !== undefined && !this.#allows(origin)) {
      return `Pages of ${printable(origin)} may not call this server; add the origin to MESHWRIGHT_ALLOW_ORIGINS if they shall.`;
    }
    return undefined;
  }

  /** The headers that let a page read the answer; none without an Origin. */
  corsHeaders({ headers: { origin } }: IncomingMessage, preflight: boolean): Record<string, string> {
    if (origin === undefined || !this.#allows(origin)) return { vary: 'Origin' };
    return {
      vary: 'Origin',
      'access-control-allow-origin': origin,
      'access-control-expose-headers': EXPOSED_HEADERS,
      ...(preflight
        ? {
            'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
            'access-control-allow-headers': ALLOWED_HEADERS,
            'access-control-max-age': String(PREFLIGHT_S),
          }
        : {}),
    };
  }

  #allows(origin: string): boolean {
    if (this.#origins.has(origin)) return true;
    return this.#loopback && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
  }
}

/** The host without its port, in lower case. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function printable(text: string): string {
  return text.slice(0, 200).replace(/[^\x21-\x7e]/g, '?') || 'nothing';
}
