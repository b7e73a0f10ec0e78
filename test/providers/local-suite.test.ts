import { vi } from 'vitest';
import { generate } from '../../src/engine/generate.js';
import type { RunOptions } from '../../src/engine/run.js';
import type { GenerateInput } from '../../src/engine/types.js';
import { LocalProvider } from '../../src/providers/local.js';
import { orAborted } from '../../src/providers/or-aborted.js';
import { ballPng } from '../support/images.js';
import { providerSuite } from './suite.js';

// Worker threads run built files only: from source the generator works in this thread.
vi.mock('../../src/engine/run.js', () => ({
  runGenerator: (input: GenerateInput, { signal, onProgress }: RunOptions) =>
    orAborted(
      generate(input, (progress) => onProgress?.(progress)),
      signal ?? new AbortController().signal,
    ),
}));

providerSuite('The local generator', async () => {
  const ball = await ballPng(1);
  const body = { views: { front: 'ball' }, target_triangles: 200, texture_size: 1024 };
  return {
    open: () => new LocalProvider(),
    request: { jobId: 'job_1', model: 'meshwright/local', body },
    inputs: { ball },
    delivers: 'bytes',
    cancels: 'removed',
  };
});
