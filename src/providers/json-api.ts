import { printable } from '../errors.js';
import { isRecord, type Json } from '../json.js';
import { redact } from '../log.js';
import { traceHeaders } from '../trace.js';
import { bare, CallError, type Reply } from './call-error.js';
import { readBody, type Wire } from './wire.js';

/** The calls of a provider that speaks JSON over HTTP: one request for one call, and nothing is followed. */

export interface ApiCall {
  method?: 'GET' | 'POST' | undefined;
  url: URL;
  body?: Json | undefined;
  /** Beside those of every call. */
  headers?: Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
  /** Over a connection of its own: for a request that must not be sent twice. */
  fresh?: boolean | undefined;
  /** Longest silence, milliseconds. */
  stallMs?: number | undefined;
}

export interface Answer {
  reply: Reply;
  /** The body, undefined when it is no JSON. */
  value: unknown;
}

const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const STALL_MS = 30_000;

export class JsonApi {
  readonly #title: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #wire: Wire;

  /**
   * @param title the provider's name for people
   * @param headers with the key; sent with every call, so the URLs of calls must be the provider's own
   */
  constructor(title: string, headers: Readonly<Record<string, string>>, wire: Wire) {
    this.#title = title;
    this.#headers = headers;
    this.#wire = wire;
  }

  /** @throws CallError for everything but a 2xx, redirects included */
  async call({
    method = 'GET',
    url,
    body,
    headers: more,
    signal,
    fresh,
    stallMs = STALL_MS,
  }: ApiCall): Promise<Answer> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...traceHeaders(),
      ...this.#headers,
      ...more,
    };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const message = await this.#wire.open({
      url,
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      fresh,
      stallMs,
    });
    const text = await readBody(message, MAX_REPLY_BYTES, signal);
    const reply: Reply = { status: message.statusCode ?? 0, headers: message.headers, text };
    if (reply.status < 200 || reply.status > 299) {
      throw new CallError(`${this.#title} answered ${statusInWords(reply)}`, { sent: true, reply });
    }
    return { reply, value: parse(text) };
  }
}

/** A path below a base URL. */
export function below(base: string, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(`${base.replace(/\/$/, '')}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** Ids become parts of a path. */
const SAFE_ID = /^[\w.-]{1,200}$/;

/** The value when it is an id that may stand in a path. */
export function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && SAFE_ID.test(value) && !/^\.+$/.test(value) ? value : undefined;
}

/** Names under which the texts of refusals are found: gateways and services each have their own. */
const TEXTS = ['reason', 'message', 'detail', 'error', 'name'] as const;
const MAX_TEXT = 300;

/** What a refusal says, as one line without a full stop; undefined when there is nothing that could be shown. */
export function wordsOf(reply: Reply): string | undefined {
  const body = parse(reply.text);
  if (body === undefined) return /<[a-z!]/i.test(reply.text) ? undefined : plainText(reply.text);
  return isRecord(body) ? textIn(body) : plainText(body);
}

function textIn(body: Record<string, unknown>): string | undefined {
  for (const name of TEXTS) {
    const value = body[name];
    const text = isRecord(value) ? textIn(value) : plainText(value);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** A text of a provider as it may be shown: one line, not too long, secrets masked. */
export function plainText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const line = bare(redact(printable(value.replace(/\s+/g, ' ').trim())));
  if (line === '') return undefined;
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

/** `HTTP 503 (no capacity)` */
export function statusInWords(reply: Reply): string {
  const words = wordsOf(reply);
  return words === undefined ? `HTTP ${reply.status}` : `HTTP ${reply.status} (${words})`;
}

/** The body of a reply as JSON; undefined when it is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
