import { readFile, stat } from 'node:fs/promises';
import { MeshwrightError, systemCode } from '../errors.js';
import { serveWorker } from '../worker-thread.js';
import { fileTooLarge } from './refusal.js';
import { LIMITS } from './limits.js';
import type { GlbTask, GlbTaskResult } from './tasks.js';

/** The worker of this folder: one task per thread, see `run.ts`. */
serveWorker<GlbTask, GlbTaskResult>(async (task) => {
  const bytes = await readSource(task.source);
  switch (task.name) {
    // Each task loads what it needs only: inspecting does without the image library.
    case 'inspect': {
      const { inspect } = await import('./inspect.js');
      return { value: await inspect(bytes) };
    }
    case 'render': {
      const { render } = await import('./render.js');
      const value = await render(bytes, task.options);
      return { value, transfer: [value.image.buffer] };
    }
  }
});

/** Read in here, so that the server never waits for a disk. */
async function readSource(source: string | Uint8Array): Promise<Uint8Array> {
  if (typeof source !== 'string') return source;
  try {
    const { size } = await stat(source);
    if (size > LIMITS.fileBytes) throw fileTooLarge(size);
    return await readFile(source);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new MeshwrightError('not_found', 'The file of this model is gone or cannot be read.', {
      cause: error,
    });
  }
}
