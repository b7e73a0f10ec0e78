import http, { type Agent, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { systemCode } from '../errors.js';
import { CallError } from './call-error.js';

/**
 * One HTTP request over `node:http`: no redirect is followed, nothing is sent twice, and when it fails it is known
 * whether anything can have arrived. A status stream costs half the memory here that it costs in `fetch`.
 */

export interface WireRequest {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body?: string | Uint8Array | undefined;
  signal?: AbortSignal | undefined;
  /** Over a connection of its own: one that was kept open may turn out to be dead once the request is written. */
  fresh?: boolean | undefined;
  /** Longest silence of the socket until the body is complete, milliseconds. */
  stallMs: number;
}

/** How long a connection is kept for the next request. */
const IDLE_MS = 20_000;

export class Wire {
  readonly #agents = new Map<string, Agent>();

  /**
   * Answers when the headers are there.
   *
   * @throws CallError without a reply
   */
  open({
    url,
    method,
    headers,
    body,
    signal,
    fresh = false,
    stallMs,
  }: WireRequest): Promise<IncomingMessage> {
    const secure = url.protocol === 'https:';
    const { request } = secure ? https : http;
    const agent = this.#agent(secure, fresh);
    const options: RequestOptions = { method, headers, agent, timeout: stallMs };
    if (body !== undefined) options.headers = { ...headers, 'content-length': Buffer.byteLength(body) };
    if (signal) options.signal = signal;
    return new Promise((resolve, reject) => {
      let sent = false;
      const call = request(url, options, resolve);
      call.on('socket', (socket) => {
        if (call.reusedSocket) sent = true;
        // Node writes the request only now: nothing of it leaves before a TLS handshake has been verified.
        else socket.once(secure ? 'secureConnect' : 'connect', () => (sent = true));
      });
      call.on('timeout', () =>
        call.destroy(new Error(`no sign of life for ${Math.round(stallMs / 1000)} s`)),
      );
      call.on('error', (error) => reject(broken(error, sent, signal)));
      call.end(body);
    });
  }

  #agent(secure: boolean, fresh: boolean): Agent {
    const name = `${secure} ${fresh}`;
    const known = this.#agents.get(name) ?? createAgent(secure, fresh);
    this.#agents.set(name, known);
    return known;
  }
}

/** A silent peer is probed by TCP: a laptop that slept, a router that forgot the connection. */
const PROBE_MS = 30_000;

function createAgent(secure: boolean, fresh: boolean): Agent {
  const options = {
    keepAlive: !fresh,
    keepAliveInitialDelay: PROBE_MS,
    keepAliveMsecs: PROBE_MS,
    timeout: IDLE_MS,
    maxSockets: Infinity,
    scheduling: 'lifo' as const,
  };
  return secure ? new https.Agent({ ...options, rejectUnauthorized: true }) : new http.Agent(options);
}

/**
 * The whole body as text.
 *
 * @throws CallError when it breaks off or is longer than `maxBytes`
 */
export function readBody(message: IncomingMessage, maxBytes: number, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    message.on('data', (bytes: Buffer) => {
      chunks.push(bytes);
      size += bytes.length;
      if (size > maxBytes) message.destroy(new Error(`the answer has more than ${maxBytes} bytes`));
    });
    message.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    message.on('error', (error) => reject(broken(error, true, signal)));
    message.on('close', () => reject(new CallError('the answer broke off', { sent: true })));
  });
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'its name could not be found',
  EAI_AGAIN: 'its name could not be looked up at present',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ENETUNREACH: 'the network is unreachable',
  EHOSTUNREACH: 'the host is unreachable',
  ETIMEDOUT: 'the connection timed out',
};

function broken(error: unknown, sent: boolean, signal: AbortSignal | undefined): CallError {
  const code = systemCode(error);
  const text = error instanceof Error ? error.message : String(error);
  const reason = signal?.aborted
    ? 'it was not waited for any longer'
    : code === undefined
      ? text
      : `${WORDS[code] ?? (sent ? 'the connection broke' : 'no connection could be made')} (${code})`;
  return new CallError(reason, { sent, cause: error });
}
