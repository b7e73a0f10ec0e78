/**
 * The memory of this process while one piece of work runs. A worker's own limit knows JavaScript objects only; what
 * fills the memory is typed arrays, decoders and images.
 */

const LOOK_MS = 100;
/** Of what is free when the work begins, so that a small machine is not brought down. */
const SHARE = 0.6;

export interface MemoryWatchOptions {
  /** How much the process may grow, bytes; less where less is free. */
  maxBytes: number;
  /** What the process takes, bytes; for tests. */
  rss?: () => number;
  /** What the process may still take, bytes; for tests. */
  free?: () => number;
}

/**
 * @param onOver called once, with the limit in bytes
 * @returns ends the watch
 */
export function watchMemory(
  onOver: (limit: number) => void,
  { maxBytes, rss = takenBytes, free = freeBytes }: MemoryWatchOptions,
): () => void {
  const limit = Math.min(maxBytes, SHARE * free());
  const before = rss();
  const looking = setInterval(() => {
    if (rss() - before <= limit) return;
    clearInterval(looking);
    onOver(limit);
  }, LOOK_MS).unref();
  return () => clearInterval(looking);
}

const takenBytes = (): number => process.memoryUsage.rss();
const freeBytes = (): number => process.availableMemory();
