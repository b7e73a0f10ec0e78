import { serveWorker } from '../worker-thread.js';
import { generate } from './generate.js';
import type { GenerateInput, GenerateOutput } from './types.js';

serveWorker<GenerateInput, GenerateOutput>(async (input, report) => {
  const value = await generate(input, report);
  const { buffer } = value.glb;
  return { value, transfer: buffer instanceof ArrayBuffer ? [buffer] : [] };
});
