/** One job that the provider accepted: what a double submit cannot hide. */
export interface LedgerEntry {
  requestId: string;
  endpoint: string;
  /** SHA-256 of the input as canonical JSON. */
  inputHash: string;
  /** Milliseconds on the emulator's clock. */
  acceptedAt: number;
  state: 'accepted' | 'billed' | 'free';
  /** Quantity in the provider's billing unit; 0 until billed. */
  units: number;
  unit: string;
  /** US dollars; 0 until billed. */
  usd: number;
  /** Why it was billed or not. */
  note: string;
}

export class Ledger {
  #entries: LedgerEntry[] = [];

  add(entry: LedgerEntry): LedgerEntry {
    this.#entries.push(entry);
    return entry;
  }

  entries(): LedgerEntry[] {
    return [...this.#entries];
  }

  /** Jobs that were accepted, whatever became of them. */
  get accepted(): number {
    return this.#entries.length;
  }

  /** US dollars of everything billed, to the tenth of a cent. */
  get usd(): number {
    return Math.round(this.#entries.reduce((sum, entry) => sum + entry.usd, 0) * 1000) / 1000;
  }

  /** Accepted jobs per input: more than one of a kind is a job bought twice. */
  byInput(): Map<string, LedgerEntry[]> {
    const groups = new Map<string, LedgerEntry[]>();
    for (const entry of this.#entries) {
      groups.set(entry.inputHash, [...(groups.get(entry.inputHash) ?? []), entry]);
    }
    return groups;
  }

  clear(): void {
    this.#entries = [];
  }
}
