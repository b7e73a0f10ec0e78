import type { ServiceId } from './bench.js';
import type { Expected } from './cells.js';
import type { WireFault } from './wire.js';

/**
 * What each fault means at each step. From the provider documents and the contract, never from what the code does:
 *
 * - Nothing is bought by an upload, a price or a read, so all of them may be repeated.
 * - A submit is repeated only after what proves that nothing was accepted: 429 with a short pause. 401, 402, 403, 404
 *   and 429 are refusals, 400, 413 and 422 speak of the input; both cost nothing. After anything else nobody knows,
 *   and nothing is sent again. Scenario lists its jobs, so what was accepted there is found.
 * - A job that a provider has is ended by its provider alone: a status that cannot be read is read again, for hours.
 *   What is denied for minutes is gone; whether it was charged nobody says.
 * - fal does not charge what ends in 5xx, Scenario refunds what fails, Pixazo does not charge ERROR.
 * - A file that cannot be fetched is fetched again, its link read anew; the job is done and paid meanwhile.
 */

const DONE: Expected = { ends: ['succeeded'], posts: [1, 1], accepted: [1] };
const NOT_SENT = { posts: [0, 0], accepted: [0] } as const;

/** Longest pause after which a refused job is sent again by itself, seconds. */
const SHORT_PAUSE_S = 20;

type Times = 1 | 'always';

/**
 * Before anything is sent: the image does not get there, or does in the end. Where bytes go to a storage, its status
 * is all that counts, and what lies there is found out by who reads it.
 *
 * @param to `api` answers with what is needed next; `storage` takes bytes
 */
export function atUpload(to: 'api' | 'storage', { kind, says }: WireFault, times: Times): Expected {
  const why = new RegExp(`${says.source}|had expired|did not import|parts were uploaded`, says.flags);
  const refused: Expected = { ...NOT_SENT, ends: ['failed'], charged: ['no'], says: why };
  // A single refusal may be believed, and a place that answers nonsense once may be left.
  const ends = ['succeeded', 'failed'] as const;
  const either: Expected = { ends, charged: ['no'], says: why, posts: [0, 1], accepted: [0, 1] };
  const taken = /fetch|download|read|uploaded|import/i;
  switch (kind) {
    case 'harmless':
      return DONE;
    case 'garbage':
      return to === 'api' ? either : { ...either, says: taken, charged: ['no', 'unknown'] };
    case 'lost':
      return either;
    case 'broken':
    case 'cut':
    case 'throttle':
      return times === 1 ? DONE : refused;
    default:
      return times === 1 ? either : refused;
  }
}

export function atSubmit(provider: ServiceId, fault: WireFault, times: Times): Expected {
  const { kind, says, retryAfter } = fault;
  const failed: Expected = { ends: ['failed'], charged: ['no'], says, posts: [1, 1], accepted: [0] };
  const unknown: Expected = {
    ends: ['unconfirmed'],
    charged: ['unknown'],
    says,
    posts: [1, 1],
    accepted: [0],
  };
  switch (kind) {
    case 'harmless':
      return DONE;
    case 'throttle': {
      // Scenario says the pause in the body as well: 30 s, which is not waited for.
      const waits = provider !== 'scenario' && retryAfter !== undefined && retryAfter <= SHORT_PAUSE_S;
      if (!waits) return failed;
      return times === 1 ? { ...DONE, posts: [2, 2] } : { ...failed, posts: [2, 5] };
    }
    case 'account':
    case 'absent':
    case 'rejected':
      return failed;
    case 'lost':
      return provider === 'scenario' ? DONE : { ...unknown, accepted: [1] };
    default:
      return unknown;
  }
}

/** While the job is there: its status cannot be read. */
export function atStatus({ kind, says }: WireFault, times: Times): Expected {
  if (kind === 'harmless' || times === 1) return DONE;
  if (kind === 'absent') {
    return {
      ends: ['failed'],
      charged: ['unknown'],
      says: /unknown|no longer/,
      posts: [1, 1],
      accepted: [1],
    };
  }
  return { ends: ['waits'], says, posts: [1, 1], accepted: [1], healed: 'succeeded' };
}

/** Done, and what came of it cannot be read: fal's result, Scenario's asset. */
export function atResult(provider: ServiceId, { name, kind, says }: WireFault, times: Times): Expected {
  if (kind === 'harmless') return DONE;
  const gone: Expected = {
    ends: ['failed'],
    charged: ['unknown', 'yes'],
    says: /charged|bought|buy|files|result/,
    posts: [1, 1],
    accepted: [1],
  };
  // fal's result answers with the job's own failure, in fal's own shape.
  if (provider === 'fal' && name === '400') return { ...gone, says };
  if (times === 1) return DONE;
  if (kind === 'absent') return gone;
  if (kind === 'garbage' || kind === 'rejected' || kind === 'odd')
    return {
      ...gone,
      ends: ['failed', 'waits', 'files'],
      says: new RegExp(`${says.source}|files`, says.flags),
    };
  // After hours of it nobody believes in the result any more, but what was bought may have been charged.
  return {
    ends: ['waits', 'failed'],
    charged: ['unknown', 'yes'],
    says,
    posts: [1, 1],
    accepted: [1],
    healed: 'succeeded',
  };
}

/** Done and paid, the file does not arrive. */
export function atDownload(provider: ServiceId, { name, kind, says }: WireFault, times: Times): Expected {
  // A file that never comes whole is kept as it is in the end, with a warning.
  if (kind === 'harmless' || times === 1 || name === 'answer cut, its length adapted') return DONE;
  const charged = provider === 'pixazo' ? (['unknown'] as const) : (['yes'] as const);
  const missing: Expected = {
    ends: ['files'],
    charged,
    says,
    posts: [1, 1],
    accepted: [1],
    healed: 'succeeded',
  };
  const gone = { end: 'failed', charged, says: /there any more|expired|could not be stored/ } as const;
  return { ...missing, later: gone };
}

/** A cancellation that does not get through changes nothing. */
export function atCancel({ kind, says }: WireFault, times: Times): Expected {
  const either: Expected = {
    ends: ['cancelled', 'succeeded'],
    charged: ['no', 'unknown', 'yes'],
    posts: [1, 1],
    accepted: [1],
  };
  if (times === 1 || kind === 'harmless') return either;
  const untold = !['throttle', 'account', 'broken', 'redirect', 'cut'].includes(kind);
  return { ...either, says: untold ? /runs on|did not take|cannot cancel|cancelled/i : says };
}

/** Where a lost job is looked for: it was accepted, and its answer lost. */
export function atList({ kind, says }: WireFault, times: Times): Expected {
  if (kind === 'harmless' || times === 1) return DONE;
  return {
    ends: ['unconfirmed'],
    charged: ['unknown'],
    says,
    posts: [1, 1],
    accepted: [1],
    healed: 'succeeded',
  };
}
