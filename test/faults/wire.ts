/**
 * What can go wrong between a client and any service over HTTP, as actions of the emulators (`common/actions.ts`), and
 * what each proves by itself. What it means for a job at a step of its life is in `expectations.ts`.
 */

export type FaultKind =
  /** 429: nothing was done, come again. */
  | 'throttle'
  /** 401, 402, 403: nothing was done, the account is why. */
  | 'account'
  /** 404: nobody knows what was asked for. */
  | 'absent'
  /** 400, 413, 422: it was looked at and not taken. */
  | 'rejected'
  /** Other 4xx, of which no document speaks. */
  | 'odd'
  /** 5xx. */
  | 'broken'
  /** 302 to where nobody may follow. */
  | 'redirect'
  /** The connection broke before anything was carried out. */
  | 'cut'
  /** It was carried out, and the answer did not arrive whole. */
  | 'lost'
  /** 200 with something else. */
  | 'garbage'
  /** It takes a little longer, or looks odd, and is right. */
  | 'harmless';

export interface WireFault {
  name: string;
  kind: FaultKind;
  action: unknown;
  /** How the cause may be told. */
  says: RegExp;
  /** Seconds after which the service wants to be asked again, where it says so. */
  retryAfter?: number;
  /** Takes as long as a client waits for a sign of life: for the long run only. */
  slow?: true;
}

const respond = (status: number, more: Record<string, unknown> = {}): unknown => ({
  type: 'respond',
  status,
  ...more,
});
const BROKE = /broke|reset|ECONNRESET|could not be fetched|fell silent/i;
const UNREADABLE =
  /no status|cannot be read|without|no list|something that|not valid|broke|no file|name[ds] no|no JSON/i;
const LIMIT = /too many|limit|no more jobs|429|later/i;

export const WIRE_FAULTS: readonly WireFault[] = [
  {
    name: '429 for 7 s',
    kind: 'throttle',
    action: { type: 'throttle', retryAfter: 7 },
    says: LIMIT,
    retryAfter: 7,
  },
  { name: '429 until a date', kind: 'throttle', action: { type: 'throttle', retryAfter: 'date', seconds: 7 }, says: LIMIT, retryAfter: 7 }, // prettier-ignore
  { name: '429 for ten years', kind: 'throttle', action: { type: 'throttle', retryAfter: 'huge' }, says: LIMIT, retryAfter: 3e8 }, // prettier-ignore
  { name: '429 without a time', kind: 'throttle', action: { type: 'throttle' }, says: LIMIT },
  { name: '500', kind: 'broken', action: { type: 'server', status: 500 }, says: /500/ },
  { name: '502 in HTML', kind: 'broken', action: { type: 'server', status: 502, body: 'html' }, says: /502/ },
  { name: '503 empty', kind: 'broken', action: { type: 'server', status: 503, body: 'empty' }, says: /503/ },
  { name: '503 in cut JSON', kind: 'broken', action: { type: 'server', status: 503, body: 'invalid-json' }, says: /503/ }, // prettier-ignore
  {
    name: '504 as text',
    kind: 'broken',
    action: { type: 'server', status: 504, body: 'wrong-type' },
    says: /504/,
  },
  {
    name: '401 unknown key',
    kind: 'account',
    action: { type: 'auth', kind: 'unknown-key' },
    says: /key|401|login/i,
  },
  {
    name: '401 bad header',
    kind: 'account',
    action: { type: 'auth', kind: 'bad-header' },
    says: /key|401|login/i,
  },
  { name: '403 locked', kind: 'account', action: { type: 'auth', kind: 'locked', reason: 'Exhausted balance' }, says: /lock|suspend|balance|403|denied/i }, // prettier-ignore
  { name: '402', kind: 'account', action: respond(402, { json: { message: 'Top up', detail: 'Top up' } }), says: /top up|payment|402/i }, // prettier-ignore
  { name: '404', kind: 'absent', action: { type: 'server', status: 404 }, says: /not there|no longer|unknown|404|not found|lists/i }, // prettier-ignore
  { name: '404 in HTML', kind: 'absent', action: respond(404, { text: '<html>no</html>' }), says: /not there|no longer|unknown|404|not found|lists/i }, // prettier-ignore
  { name: '400', kind: 'rejected', action: respond(400, { json: { message: 'Bad thing', detail: 'Bad thing' } }), says: /bad thing|400/i }, // prettier-ignore
  { name: '413', kind: 'rejected', action: respond(413, { text: '' }), says: /413|large/i },
  { name: '422 in HTML', kind: 'rejected', action: respond(422, { text: '<html>no</html>' }), says: /422/ },
  {
    name: '409',
    kind: 'odd',
    action: respond(409, { json: { message: 'Conflict' } }),
    says: /409|conflict/i,
  },
  { name: '418', kind: 'odd', action: respond(418, { text: 'teapot' }), says: /418|teapot/i },
  { name: '302 to another host', kind: 'redirect', action: { type: 'redirect', to: 'mirror' }, says: /302|redirect|fetched from/i }, // prettier-ignore
  { name: '302 to a private host', kind: 'redirect', action: { type: 'redirect', to: 'private' }, says: /302|redirect|fetched from/i }, // prettier-ignore
  { name: 'reset', kind: 'cut', action: { type: 'reset' }, says: BROKE },
  { name: 'reset after it was done', kind: 'lost', action: { type: 'reset', accept: true }, says: BROKE },
  { name: 'answer cut by a reset', kind: 'lost', action: { type: 'reset-at', byte: 10 }, says: BROKE },
  { name: 'answer cut short', kind: 'lost', action: { type: 'truncate', byte: 10 }, says: BROKE },
  { name: 'answer cut, its length adapted', kind: 'lost', action: { type: 'truncate', byte: 10, declare: 'actual' }, says: UNREADABLE }, // prettier-ignore
  { name: '200 in HTML', kind: 'garbage', action: respond(200, { text: '<!DOCTYPE html><html></html>' }), says: UNREADABLE }, // prettier-ignore
  { name: '200 empty', kind: 'garbage', action: respond(200, { text: '' }), says: UNREADABLE },
  { name: '200 with {}', kind: 'garbage', action: respond(200, { json: {} }), says: UNREADABLE },
  { name: '200 with a list', kind: 'garbage', action: respond(200, { json: [1, 2] }), says: UNREADABLE },
  { name: '200 with null', kind: 'garbage', action: respond(200, { json: null }), says: UNREADABLE },
  { name: 'a slow answer', kind: 'harmless', action: { type: 'delay', ms: 60 }, says: /./ },
  {
    name: 'a dripping answer',
    kind: 'harmless',
    action: { type: 'drip', bytes: 100, everyMs: 1 },
    says: /./,
  },
  { name: 'no length', kind: 'harmless', action: { type: 'chunked' }, says: /./ },
  { name: 'another media type', kind: 'harmless', action: { type: 'media-type', contentType: 'text/plain' }, says: /./ }, // prettier-ignore
  { name: 'silence before it was done', kind: 'cut', action: { type: 'stall', at: 'headers', accept: false }, says: /sign of life|waited|silent|30 s|within/i, slow: true }, // prettier-ignore
  { name: 'silence after it was done', kind: 'lost', action: { type: 'stall', at: 'headers' }, says: /sign of life|waited|silent|30 s|within/i, slow: true }, // prettier-ignore
  { name: 'silence in the answer', kind: 'lost', action: { type: 'stall', at: 'body' }, says: /sign of life|waited|silent|30 s|broke/i, slow: true }, // prettier-ignore
];
