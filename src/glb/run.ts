import { MeshwrightError, systemCode } from '../errors.js';
import { Places } from '../places.js';
import { runInWorker } from '../worker-thread.js';
import type { RenderOptions, RenderResult } from './render.js';
import type { GlbSource, GlbTask } from './tasks.js';
import type { Inspection } from './types.js';

/** The entry for the rest of the program: everything about a GLB is done in a worker thread of its own. */

const TIMEOUT_MS = 60_000;
/** JavaScript objects only; the geometry itself lies outside. */
const MAX_HEAP_MB = 1024;
/** The largest file that is opened takes two thirds of it. */
const MAX_GROWTH_BYTES = 3 * 2 ** 30;
/** Each may take hundreds of megabytes. */
const places = new Places(2);

export interface GlbRunOptions {
  signal?: AbortSignal | undefined;
}

/**
 * @param source path of the file, or its bytes
 * @throws MeshwrightError `invalid_asset`, `too_large`, `not_found`, `timeout`, `cancelled`
 */
export function inspectInWorker(source: GlbSource, options: GlbRunOptions = {}): Promise<Inspection> {
  return run({ name: 'inspect', source }, options);
}

/**
 * @param source path of the file, or its bytes
 * @throws MeshwrightError `invalid_arguments` and what `inspectInWorker` throws
 */
export function renderInWorker(
  source: GlbSource,
  { signal, ...options }: RenderOptions & GlbRunOptions = {},
): Promise<RenderResult> {
  return run({ name: 'render', source, options }, { signal });
}

async function run<Out>(task: GlbTask, { signal }: GlbRunOptions): Promise<Out> {
  const leave = await places.take(signal ?? new AbortController().signal);
  try {
    return await runInWorker<GlbTask, Out>('glb', task, {
      signal,
      timeoutMs: TIMEOUT_MS,
      maxHeapMb: MAX_HEAP_MB,
      maxGrowthBytes: MAX_GROWTH_BYTES,
    });
  } catch (error) {
    if (systemCode(error) !== 'ERR_WORKER_OUT_OF_MEMORY') throw error;
    throw new MeshwrightError(
      'too_large',
      'This model takes too much memory to be opened: use a simplified version.',
      {
        cause: error,
      },
    );
  } finally {
    leave();
  }
}
