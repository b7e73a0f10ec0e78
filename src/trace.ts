import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { isRecord } from './json.js';

/**
 * The trace that a request says it belongs to (W3C Trace Context, which the protocol reserves `_meta` keys for). It is
 * in the log lines of the request and of its job, and goes along to the provider. No spans are made or sent anywhere.
 */
export interface Trace {
  /** 32 hexadecimal digits. */
  id: string;
  /** The caller's span, 16 hexadecimal digits: a trace of ours has no other that anybody could find. */
  span: string;
  /** `01` when the caller records this trace, else `00`. */
  flags: string;
  /** What the caller's tracing systems say to each other (`tracestate`). */
  state?: string;
}

/** Version, trace id, parent id, flags; a later version may say more behind them. */
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ID = /^(?!0+$)[0-9a-f]{32}$/;
const SPAN = /^(?!0+$)[0-9a-f]{16}$/;
const MEMBER =
  /^(?:[a-z0-9][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MAX_MEMBERS = 32;
/** What has to be handed on at least; more than that is cut off, whole members from the end. */
const MAX_STATE = 512;
/** Longer ones are not looked at. */
const MAX_TEXT = 8_192;

/** The trace of these two fields of a request, which may be anything; `undefined` where they name none. */
export function traceOf(fields: unknown): Trace | undefined {
  if (!isRecord(fields)) return undefined;
  const { traceparent, tracestate } = fields;
  if (typeof traceparent !== 'string' || traceparent.length > MAX_TEXT) return undefined;
  const [, version, id = '', span = '', flags = '', more] = PARENT.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (!ID.test(id) || !SPAN.test(span)) return undefined;
  const state = stateOf(tracestate);
  const sampled = Number.parseInt(flags, 16) % 2 === 1;
  return { id, span, flags: sampled ? '01' : '00', ...(state === undefined ? {} : { state }) };
}

/** A list with one broken member is dropped as a whole, as the standard has it. */
function stateOf(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > MAX_TEXT) return undefined;
  const members = text
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '');
  if (members.length === 0 || members.length > MAX_MEMBERS) return undefined;
  if (!members.every((member) => MEMBER.test(member))) return undefined;
  while (members.join(',').length > MAX_STATE) members.pop();
  return members.length === 0 ? undefined : members.join(',');
}

/** Whether a value of the data folder is a trace. */
export function isTrace(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { id, span, flags, state } = value;
  const again = traceOf({ traceparent: `00-${String(id)}-${String(span)}-${String(flags)}` });
  return again?.flags === flags && (state === undefined || stateOf(state) === state);
}

/** The trace of a message of the protocol, from `_meta` of its parameters. */
export function traceOfMessage(message: unknown): Trace | undefined {
  const params = isRecord(message) ? message['params'] : undefined;
  return isRecord(params) ? traceOf(params['_meta']) : undefined;
}

const running = new AsyncLocalStorage<Trace | undefined>();

/** The trace that is being worked for. */
export function currentTrace(): Trace | undefined {
  return running.getStore();
}

/** Does something, and all that comes of it, for this trace, or for none. */
export function inTrace<Result>(trace: Trace | undefined, work: () => Result): Result {
  // Keeping a context costs something with every promise: a server that is never given a trace does not pay for it.
  return trace === running.getStore() ? work() : running.run(trace, work);
}

/** The headers of one request to a provider's API: it is a span of its own within the trace. */
export function traceHeaders(): Record<string, string> {
  const trace = running.getStore();
  if (!trace) return {};
  const span = randomBytes(8).toString('hex');
  return {
    traceparent: `00-${trace.id}-${span}-${trace.flags}`,
    ...(trace.state === undefined ? {} : { tracestate: trace.state }),
  };
}
