import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../fuzz/random.js';

/** Longest wait from a call to the kill, milliseconds. */
const MOST_MS = 400;

export type Moment = 'time' | 'files' | 'tmp';

/** When to kill: at a random moment after a call, or as a file comes to the data folder, where least time is open. */
export class Moments {
  readonly #random: Random;
  readonly #watchers: FSWatcher[];
  #heard: ((folder: 'files' | 'tmp') => void) | undefined;

  constructor(dataDir: string, random: Random) {
    this.#random = random;
    this.#watchers = (['files', 'tmp'] as const).map((folder) => {
      const place = path.join(dataDir, folder);
      mkdirSync(place, { recursive: true, mode: 0o700 });
      return watch(place, (_event, name) => {
        if (folder === 'tmp' || name?.startsWith('asset_')) this.#heard?.(folder);
      });
    });
  }

  /** Resolves at the next moment with what it is. */
  async next(): Promise<Moment> {
    const kind = this.#random.pick(['time', 'time', 'time', 'files', 'tmp'] as const);
    if (kind === 'time') {
      await pause(this.#random.below(MOST_MS));
      return kind;
    }
    const heard = new Promise<void>((resolve) => {
      this.#heard = (folder) => {
        if (folder === kind) resolve();
      };
    });
    await Promise.race([heard, pause(3 * MOST_MS)]);
    this.#heard = undefined;
    // A few milliseconds tell a file that was opened from one that is written, and that from its row.
    if (this.#random.chance(0.6)) await pause(this.#random.below(12));
    return kind;
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }
}
