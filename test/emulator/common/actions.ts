import { z } from 'zod';
import type { Exchange, Reply } from './exchange.js';
import { textReply } from './exchange.js';
import { fixtureOf, fixtureKinds } from './fixtures/named.js';

/** Faults that every provider can suffer; a provider adds its own, such as how a job behaves. */
export const commonActionSchema = z.discriminatedUnion('type', [
  /** 429. `retryAfter`: seconds, `date` (an HTTP date `seconds` ahead), `huge` (ten years), any text, or none. */
  z.strictObject({
    type: z.literal('throttle'),
    retryAfter: z.union([z.number(), z.string()]).optional(),
    seconds: z.number().optional(),
  }),
  z.strictObject({
    type: z.literal('server'),
    status: z.number().int(),
    body: z.enum(['json', 'html', 'empty', 'invalid-json', 'wrong-type']).default('json'),
  }),
  z.strictObject({
    type: z.literal('respond'),
    status: z.number().int(),
    headers: z.record(z.string(), z.string()).optional(),
    json: z.json().optional(),
    text: z.string().optional(),
  }),
  /** A refusal in the provider's words; `reason` goes into the text of a lock. */
  z.strictObject({
    type: z.literal('auth'),
    kind: z.enum(['unknown-key', 'bad-header', 'locked']),
    reason: z.string().optional(),
  }),
  /** The socket is reset. With `accept` the request is carried out first: the reply is lost, not the job. */
  z.strictObject({ type: z.literal('reset'), accept: z.boolean().default(false) }),
  /** The socket is reset and the port refuses connections for `ms`, or until `up`. */
  z.strictObject({ type: z.literal('refuse'), ms: z.number().positive().optional() }),
  /** Silence before the headers, or in the middle of the body; for `ms`, or until the client gives up. */
  z.strictObject({
    type: z.literal('stall'),
    at: z.enum(['headers', 'body']),
    accept: z.boolean().default(true),
    ms: z.number().positive().optional(),
  }),
  z.strictObject({
    type: z.literal('drip'),
    bytes: z.number().int().positive(),
    everyMs: z.number().positive(),
  }),
  z.strictObject({ type: z.literal('delay'), ms: z.number().positive() }),
  /** A body that ends by a reset after so many bytes, its length announced. */
  z.strictObject({ type: z.literal('reset-at'), byte: z.number().int().min(0) }),
  /** A body that is too short; `declare` says whether `Content-Length` tells the full or the cut length. */
  z.strictObject({
    type: z.literal('truncate'),
    byte: z.number().int().min(0),
    declare: z.enum(['full', 'actual']).default('full'),
  }),
  z.strictObject({ type: z.literal('chunked') }),
  z.strictObject({ type: z.literal('no-ranges') }),
  z.strictObject({ type: z.literal('media-type'), contentType: z.string() }),
  /** 302 to the second CDN (`mirror`), to an address that must not be reached (`private`), or anywhere. */
  z.strictObject({ type: z.literal('redirect'), to: z.string() }),
  /** Other bytes under the same name. */
  z.strictObject({
    type: z.literal('swap'),
    content: z.enum(fixtureKinds),
    bytes: z.number().int().optional(),
  }),
  /** A status stream that ends cleanly, breaks off within an event, or falls silent after so many events. */
  z.strictObject({
    type: z.literal('stream'),
    afterEvents: z.number().int().min(0),
    how: z.enum(['end', 'cut', 'silence']),
  }),
]);
export type CommonAction = z.output<typeof commonActionSchema>;

/** How a reply leaves the socket. */
export type Delivery =
  | { kind: 'reset' }
  | { kind: 'stall'; at: 'headers' | 'body'; ms: number | undefined }
  | { kind: 'drip'; bytes: number; everyMs: number }
  | { kind: 'delay'; ms: number }
  | { kind: 'cut'; byte: number; how: 'reset' | 'close' }
  | { kind: 'stream'; afterEvents: number; how: 'end' | 'cut' | 'silence' };

export interface Effect {
  /** Sent in place of what the provider would answer; the request is not carried out. */
  instead?: Reply;
  /** Changes the request before it is carried out. */
  prepare?: (exchange: Exchange) => void;
  /** Changes the reply. */
  alter?: (reply: Reply) => Reply;
  delivery?: Delivery;
  /** The port is closed, for so many milliseconds or until it is opened. */
  down?: { ms: number | undefined };
}

/** What only the provider knows: its words for a refusal, and where its redirects lead. */
export interface Dialect {
  throttled(): Reply;
  broken(status: number): Reply;
  refused(kind: 'unknown-key' | 'bad-header' | 'locked', reason: string | undefined): Reply;
  redirectTarget(to: string): string;
}

const nothing: Reply = { status: 204 };

export function effectOf(action: CommonAction, dialect: Dialect): Effect {
  switch (action.type) {
    case 'throttle':
      return {
        instead: withHeaders(dialect.throttled(), retryAfterHeader(action.retryAfter, action.seconds)),
      };
    case 'server':
      return { instead: brokenReply(dialect.broken(action.status), action.body) };
    case 'respond':
      return { instead: respondReply(action) };
    case 'auth':
      return { instead: dialect.refused(action.kind, action.reason) };
    case 'reset':
      return { ...(action.accept ? {} : { instead: nothing }), delivery: { kind: 'reset' } };
    case 'refuse':
      return { instead: nothing, delivery: { kind: 'reset' }, down: { ms: action.ms } };
    case 'stall':
      return {
        ...(action.accept ? {} : { instead: nothing }),
        delivery: { kind: 'stall', at: action.at, ms: action.ms },
      };
    case 'drip':
      return { delivery: { kind: 'drip', bytes: action.bytes, everyMs: action.everyMs } };
    case 'delay':
      return { delivery: { kind: 'delay', ms: action.ms } };
    case 'reset-at':
      return { delivery: { kind: 'cut', byte: action.byte, how: 'reset' } };
    case 'truncate':
      return action.declare === 'full'
        ? { delivery: { kind: 'cut', byte: action.byte, how: 'close' } }
        : { alter: (reply) => ({ ...reply, body: bytesOf(reply).subarray(0, action.byte) }) };
    case 'chunked':
      return { alter: (reply) => ({ ...reply, chunked: true }) };
    case 'no-ranges':
      return {
        prepare: (exchange) => {
          delete exchange.headers.range;
        },
        alter: (reply) => withHeaders(reply, { 'accept-ranges': 'none' }),
      };
    case 'media-type':
      return { alter: (reply) => withHeaders(reply, { 'content-type': action.contentType }) };
    case 'redirect':
      return { instead: { status: 302, headers: { location: dialect.redirectTarget(action.to) } } };
    case 'swap':
      return { alter: (reply) => ({ ...reply, body: fixtureOf(action.content, action.bytes) }) };
    default:
      return { delivery: { kind: 'stream', afterEvents: action.afterEvents, how: action.how } };
  }
}

export function bytesOf(reply: Reply): Buffer {
  return typeof reply.body === 'string' ? Buffer.from(reply.body) : (reply.body ?? Buffer.alloc(0));
}

function withHeaders(reply: Reply, headers: Record<string, string>): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

function retryAfterHeader(
  retryAfter: number | string | undefined,
  seconds: number | undefined,
): Record<string, string> {
  if (retryAfter === undefined) return {};
  // An HTTP date is read against the client's clock, so it is made with the machine's, not the emulator's.
  if (retryAfter === 'date')
    return { 'retry-after': new Date(Date.now() + (seconds ?? 7) * 1000).toUTCString() };
  if (retryAfter === 'huge') return { 'retry-after': String(10 * 365 * 86_400) };
  return { 'retry-after': String(retryAfter) };
}

function brokenReply(reply: Reply, body: 'json' | 'html' | 'empty' | 'invalid-json' | 'wrong-type'): Reply {
  const { status } = reply;
  switch (body) {
    case 'json':
      return reply;
    case 'html':
      return textReply(
        status,
        `<html><head><title>${status}</title></head><body>nginx</body></html>`,
        'text/html',
      );
    case 'empty':
      return { status };
    case 'invalid-json':
      return textReply(status, '{"detail": "cut o', 'application/json');
    default:
      return withHeaders(reply, { 'content-type': 'text/plain' });
  }
}

function respondReply(action: Extract<CommonAction, { type: 'respond' }>): Reply {
  const json = action.json === undefined ? {} : { 'content-type': 'application/json' };
  return {
    status: action.status,
    headers: { ...json, ...action.headers },
    body: action.json === undefined ? (action.text ?? '') : JSON.stringify(action.json),
  };
}
