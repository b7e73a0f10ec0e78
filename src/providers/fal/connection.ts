import type { IncomingMessage } from 'node:http';
import { createFalClient, type FalClient } from '@fal-ai/client';
import { messageOf, MeshwrightError } from '../../errors.js';
import { CallError, headerOf, type Reply } from '../call-error.js';
import type { Fetcher } from '../fetch.js';
import { statusInWords } from './complaint.js';
import type { FalHosts } from './hosts.js';
import { traceHeaders } from '../../trace.js';
import { readBody, type Wire } from '../wire.js';

/** What one use of the client may do, and what is learned from it. */
export interface Call {
  signal?: AbortSignal | undefined;
  /** Called instead of the address that the client builds. */
  address?: URL | undefined;
  /** See `WireRequest`. */
  fresh?: boolean | undefined;
  stallMs?: number | undefined;
  /** Set as soon as anything may have reached fal. */
  sent?: boolean | undefined;
  /** The last answer, which the client hides: billed units are in its headers. */
  reply?: Reply | undefined;
}

/** Results of 3D models are a few kilobytes; with inlined logs and timings they stay far below this. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const STALL_MS = 30_000;
/** Of one step of an upload. */
const UPLOAD_MS = 180_000;

/**
 * Thrown into `@fal-ai/client` by our fetch. Its own retries send a submit up to four times, each of them paid,
 * and no option turns them off; an error of this name is the one thing that it never repeats.
 */
class FinalCallError extends CallError {
  override readonly name = 'AbortError';

  constructor({ message, sent, reply, cause }: CallError) {
    super(message, { sent, reply, cause });
  }
}

/** Builds fal's official client on a fetch of our own: see `fetchFor`. */
export class FalConnection {
  readonly hosts: FalHosts;
  readonly wire: Wire;
  /** No status streams were there; until then jobs are polled from the beginning. Milliseconds since 1970. */
  streamlessUntil = 0;
  readonly #key: string;
  readonly #fetcher: Fetcher;

  /** @param fetcher for the URLs that uploads are sent to: fal names them, and they may be anything */
  constructor(key: string, hosts: FalHosts, wire: Wire, fetcher: Fetcher) {
    this.#key = key;
    this.hosts = hosts;
    this.wire = wire;
    this.#fetcher = fetcher;
  }

  /** A client for one call: making one is cheap, and what its fetch knows belongs to that call alone. */
  client(call: Call): FalClient {
    return createFalClient({ credentials: this.#key, fetch: this.#fetchFor(call) });
  }

  /**
   * The status stream of the job whose status is at `status`; undefined where there is none. The client's own
   * reader takes the end of a stream for the end of the job, and its iterator wakes up every 16 ms.
   *
   * @throws CallError
   */
  async stream(status: URL, signal: AbortSignal): Promise<IncomingMessage | undefined> {
    const url = new URL(status);
    url.pathname += '/stream';
    url.searchParams.set('logs', '1');
    const headers = {
      authorization: `Key ${this.#key}`,
      accept: 'text/event-stream',
      ...traceHeaders(),
    };
    const message = await this.wire.open({ url, method: 'GET', headers, signal, stallMs: STALL_MS });
    const { statusCode: code = 0 } = message;
    const type = message.headers['content-type'] ?? '';
    if (code === 200 && type.startsWith('text/event-stream')) return message;
    if (code >= 200 && code <= 299) {
      message.destroy();
      return undefined;
    }
    const text = await readBody(message, MAX_REPLY_BYTES, signal);
    if ([400, 405, 406, 501].includes(code)) return undefined;
    throw answered({ status: code, headers: message.headers, text });
  }

  /**
   * One request for one request: fal's hosts become the configured ones and any other but its storage is refused,
   * redirects are answers, and everything but a 2xx is thrown as an error that the client does not repeat.
   */
  #fetchFor(call: Call): typeof globalThis.fetch {
    return async (input, init = {}) => {
      const asked = new URL(input instanceof Request ? input.url : input);
      const { url, withKey } = call.address
        ? { url: withQuery(call.address, asked), withKey: true }
        : this.hosts.route(asked);
      const headers = Object.fromEntries(new Headers(init.headers));
      const { signal, fresh, stallMs = STALL_MS } = call;
      try {
        if (!withKey) return await this.#store(url, init, call);
        const message = await this.wire.open({
          url,
          method: init.method ?? 'GET',
          headers: { ...headers, ...traceHeaders() },
          body: await bodyOf(init.body),
          signal,
          fresh,
          stallMs,
        });
        call.sent = true;
        const text = await readBody(message, MAX_REPLY_BYTES, signal);
        return responseTo({ status: message.statusCode ?? 0, headers: message.headers, text }, call);
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        if (error.sent) call.sent = true;
        throw new FinalCallError(error);
      }
    };
  }

  /** A step of an upload: without the key, over a connection to an address that was checked. */
  async #store(url: URL, init: RequestInit, call: Call): Promise<Response> {
    const { 'content-type': contentType } = Object.fromEntries(new Headers(init.headers));
    const answer = await this.#fetcher
      .open(url.href, {
        method: init.method === 'POST' ? 'POST' : 'PUT',
        body: await bodyOf(init.body),
        headers: contentType === undefined ? {} : { 'content-type': contentType },
        maxBytes: MAX_REPLY_BYTES,
        deadlineMs: UPLOAD_MS,
        trusted: this.hosts.isOwn(url),
        signal: call.signal,
      })
      .catch((error: unknown) => {
        const passes = error instanceof MeshwrightError && error.retryable;
        throw passes ? new CallError(messageOf(error), { sent: true, cause: error }) : error;
      });
    call.sent = true;
    const chunks: Buffer[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    return responseTo({ status: answer.status, headers: Object.fromEntries(answer.headers), text }, call);
  }
}

/** The answer as the client wants it; everything but a 2xx is thrown. */
function responseTo(reply: Reply, call: Call): Response {
  call.reply = reply;
  if (reply.status < 200 || reply.status > 299) throw answered(reply);
  return new TextResponse(reply.text, reply.status, typeOf(reply));
}

/** A response whose text is there: the stream that a usual one wraps it in costs more than the rest of it. */
class TextResponse extends Response {
  override readonly text: () => Promise<string>;
  override readonly json: () => Promise<unknown>;

  constructor(text: string, status: number, contentType = 'text/plain') {
    super(null, { status, headers: { 'content-type': contentType } });
    this.text = () => Promise.resolve(text);
    this.json = async () => JSON.parse(text);
  }
}

/** JSON is JSON, whatever something in between calls it; the client reads it under its own name only. */
function typeOf(reply: Reply): string | undefined {
  const named = headerOf(reply, 'content-type');
  if (named?.startsWith('application/json') || !/^\s*[[{]/.test(reply.text)) return named;
  try {
    JSON.parse(reply.text);
    return 'application/json';
  } catch {
    return named;
  }
}

function answered(reply: Reply): CallError {
  return new CallError(`fal answered ${statusInWords(reply)}`, { sent: true, reply });
}

/** The client's query, such as `logs=1`, on another address. */
function withQuery(address: URL, asked: URL): URL {
  const url = new URL(address);
  for (const [name, value] of asked.searchParams) url.searchParams.set(name, value);
  return url;
}

async function bodyOf(body: unknown): Promise<string | Uint8Array | undefined> {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return body;
  if (body instanceof Blob) return new Uint8Array(await body.arrayBuffer());
  throw new Error('the fal client sent a body of an unexpected kind');
}
