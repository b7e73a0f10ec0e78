import type { WorkerProgress } from '../worker-thread.js';
import { runInWorker } from '../worker-thread.js';
import type { GenerateInput, GenerateOutput } from './types.js';

/** Far above what the largest input takes on a slow machine. */
const TIMEOUT_MS = 180_000;

export interface RunOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: WorkerProgress) => void) | undefined;
}

/**
 * Makes a textured GLB from pictures in a worker thread, which an abort ends at once.
 *
 * @throws MeshwrightError `invalid_image`, `generation_failed`, `cancelled`, `timeout`
 */
export function runGenerator(input: GenerateInput, options: RunOptions = {}): Promise<GenerateOutput> {
  return runInWorker<GenerateInput, GenerateOutput>('engine', input, { ...options, timeoutMs: TIMEOUT_MS });
}
