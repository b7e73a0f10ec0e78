import type { Agent, IncomingMessage, RequestOptions } from 'node:http';
import { systemCode } from '../../errors.js';
import { FalCallError } from './call-error.js';

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
  readonly #agents = new Map<string, Promise<Agent>>();

  /**
   * Answers when the headers are there.
   *
   * @throws FalCallError without a reply
   */
  async open({
    url,
    method,
    headers,
    body,
    signal,
    fresh = false,
    stallMs,
  }: WireRequest): Promise<IncomingMessage> {
    const secure = url.protocol === 'https:';
    const { request } = secure ? await import('node:https') : await import('node:http');
    const agent = await this.#agent(secure, fresh);
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
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
      });
      call.on('timeout', () =>
        call.destroy(new Error(`no sign of life for ${Math.round(stallMs / 1000)} s`)),
      );
      call.on('error', (error) => reject(broken(error, sent, signal)));
      call.end(body);
    });
  }

  #agent(secure: boolean, fresh: boolean): Promise<Agent> {
    const name = `${secure} ${fresh}`;
    const known = this.#agents.get(name) ?? createAgent(secure, fresh);
    this.#agents.set(name, known);
    return known;
  }
}

/** A silent peer is probed by TCP: a laptop that slept, a router that forgot the connection. */
const KEEP_ALIVE_MS = 30_000;

async function createAgent(secure: boolean, fresh: boolean): Promise<Agent> {
  const options = { keepAlive: !fresh, timeout: IDLE_MS, maxSockets: Infinity, scheduling: 'lifo' as const };
  if (!secure) return new (await import('node:http')).Agent(options);
  return new (await import('node:https')).Agent({ ...options, rejectUnauthorized: true });
}

/**
 * The whole body as text.
 *
 * @throws FalCallError when it breaks off or is longer than `maxBytes`
 */
export async function readBody(
  message: IncomingMessage,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of message) {
      const bytes: Buffer = chunk;
      size += bytes.length;
      if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
      chunks.push(bytes);
    }
  } catch (error) {
    throw broken(error, true, signal);
  }
  if (!message.complete) throw new FalCallError('the answer broke off', { sent: true });
  return Buffer.concat(chunks).toString('utf8');
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

function broken(error: unknown, sent: boolean, signal: AbortSignal | undefined): FalCallError {
  const code = systemCode(error);
  const text = error instanceof Error ? error.message : String(error);
  const reason = signal?.aborted
    ? 'it was not waited for any longer'
    : code === undefined
      ? text
      : `${WORDS[code] ?? (sent ? 'the connection broke' : 'no connection could be made')} (${code})`;
  return new FalCallError(reason, { sent, cause: error });
}
