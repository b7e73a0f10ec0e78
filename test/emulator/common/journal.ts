import type { IncomingHttpHeaders } from 'node:http';
import type { Json } from './json.js';

/** How an exchange ended on the wire. */
export type SocketOutcome =
  /** Not over yet: a stall, a stream, a slow download. */
  | 'open'
  /** The whole reply was handed to the socket. */
  | 'answered'
  /** The emulator reset or closed the socket on purpose. */
  | 'cut'
  /** The client went away first. */
  | 'client-gone';

export interface JournalEntry {
  n: number;
  /** Milliseconds on the emulator's clock. */
  at: number;
  role: string;
  /** What the request asks for in the provider's terms: `submit`, `status`, `download`, … or `unknown`. */
  op: string;
  endpoint?: string;
  requestId?: string;
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  bodyBytes: number;
  bodySha256: string;
  /** The parsed body when it is JSON of at most 64 KB. */
  body?: Json;
  /** Types of the fault actions that were applied. */
  faults: string[];
  /** What a real provider would swallow in silence: an unknown field, a key sent to the CDN. */
  warnings: string[];
  status?: number;
  outcome: SocketOutcome;
}

export interface JournalFilter {
  role?: string | undefined;
  op?: string | undefined;
  method?: string | undefined;
  endpoint?: string | undefined;
  requestId?: string | undefined;
}

/** Every request that arrived, oldest first. Counts are exact; entries are kept up to a limit. */
export class Journal {
  readonly #limit: number;
  #entries: JournalEntry[] = [];
  #counts = new Map<string, number>();
  #next = 1;

  /** @param limit how many entries are kept; 0 keeps the counts only */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether entries are kept at all; bodies need not be hashed when not. */
  get keeps(): boolean {
    return this.#limit > 0;
  }

  add(entry: Omit<JournalEntry, 'n'>): JournalEntry {
    const numbered = { n: this.#next++, ...entry };
    const key = `${entry.role} ${entry.op}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (this.#limit > 0) {
      this.#entries.push(numbered);
      // Dropped in blocks: one at a time would move the whole array for every request.
      if (this.#entries.length >= 2 * this.#limit) this.#entries = this.#entries.slice(-this.#limit);
    }
    return numbered;
  }

  entries(filter: JournalFilter = {}): JournalEntry[] {
    return this.#entries
      .slice(-this.#limit || this.#entries.length)
      .filter((entry) => matches(entry, filter));
  }

  /** How many requests arrived since the last `clear`, also those whose entries are no longer kept. */
  count(role: string, op?: string): number {
    if (op !== undefined) return this.#counts.get(`${role} ${op}`) ?? 0;
    let total = 0;
    for (const [key, count] of this.#counts) if (key.startsWith(`${role} `)) total += count;
    return total;
  }

  /** `{"queue submit": 3, …}` */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  clear(): void {
    this.#entries = [];
    this.#counts = new Map();
  }
}

function matches(entry: JournalEntry, filter: JournalFilter): boolean {
  return (
    (filter.role === undefined || entry.role === filter.role) &&
    (filter.op === undefined || entry.op === filter.op) &&
    (filter.method === undefined || entry.method === filter.method) &&
    (filter.endpoint === undefined || entry.endpoint === filter.endpoint) &&
    (filter.requestId === undefined || entry.requestId === filter.requestId)
  );
}
