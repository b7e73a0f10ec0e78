import type { ServiceId } from './bench.js';
import type { Cell, Expected } from './cells.js';
import { atCancel, atDownload, atList, atResult, atStatus, atSubmit, atUpload } from './expectations.js';
import { ownCells } from './own.js';
import { type WireFault, WIRE_FAULTS } from './wire.js';

/** Every fault at every step of a job at every provider. */

interface Step {
  name: string;
  op: string;
  image?: 'local' | 'url';
  /** What brings a job to this step. */
  before?: Cell['faults'];
  cancels?: true;
  stream?: true;
  /** Looked for by the time at which it was made, so the clocks must agree. */
  fresh?: true;
  expected: (fault: WireFault, times: 1 | 'always') => Expected;
}

const RUNS_LONG = { op: 'submit', action: { type: 'job', runMs: 'never' } };
const LOST = { op: 'submit', action: { type: 'reset', accept: true } };
/** A picture that is too large to be sent in one piece. */
const LARGE = {
  op: 'asset-create',
  times: 'always',
  action: { type: 'respond', status: 413, json: {} },
} as const;

const toUpload =
  (to: 'api' | 'storage'): Step['expected'] =>
  (fault, times) =>
    atUpload(to, fault, times);

const STEPS: Record<ServiceId, readonly Step[]> = {
  fal: [
    { name: 'upload, its place', op: 'initiate', image: 'local', expected: toUpload('api') },
    { name: 'upload', op: 'put', image: 'local', expected: toUpload('storage') },
    { name: 'submit', op: 'submit', expected: (fault, times) => atSubmit('fal', fault, times) },
    { name: 'status', op: 'status', expected: atStatus },
    { name: 'stream', op: 'stream', stream: true, expected: () => DONE },
    { name: 'result', op: 'result', expected: (fault, times) => atResult('fal', fault, times) },
    { name: 'download', op: 'download', expected: (fault, times) => atDownload('fal', fault, times) },
    { name: 'cancel', op: 'cancel', cancels: true, before: [RUNS_LONG], expected: atCancel }, // prettier-ignore
  ],
  pixazo: [
    { name: 'hosting, its place', op: 'initiate', image: 'local', expected: toUpload('api') },
    { name: 'hosting', op: 'put', image: 'local', expected: toUpload('storage') },
    { name: 'submit', op: 'submit', expected: (fault, times) => atSubmit('pixazo', fault, times) },
    { name: 'status', op: 'status', expected: atStatus },
    { name: 'download', op: 'download', expected: (fault, times) => atDownload('pixazo', fault, times) },
  ],
  scenario: [
    {
      name: 'upload',
      op: 'asset-create',
      image: 'local',
      // What is too large for one piece is sent in parts.
      expected: (fault, times) => (fault.name === '413' ? DONE : atUpload('api', fault, times)),
    },
    {
      name: 'upload, its places',
      op: 'upload-create',
      image: 'local',
      before: [LARGE],
      expected: toUpload('api'),
    },
    {
      name: 'upload, a part',
      op: 'put-part',
      image: 'local',
      before: [LARGE],
      expected: toUpload('storage'),
    },
    {
      name: 'upload, its end',
      op: 'upload-complete',
      image: 'local',
      before: [LARGE],
      expected: toUpload('api'),
    },
    { name: 'upload, its import', op: 'upload', image: 'local', before: [LARGE], expected: toUpload('api') },
    {
      name: 'submit',
      op: 'submit',
      image: 'local',
      fresh: true,
      expected: (fault, times) => atSubmit('scenario', fault, times),
    },
    { name: 'list', op: 'list', image: 'local', fresh: true, before: [LOST], expected: atList },
    { name: 'status', op: 'status', image: 'local', expected: atStatus },
    {
      name: 'result',
      op: 'asset',
      image: 'local',
      expected: (fault, times) => atResult('scenario', fault, times),
    },
    { name: 'download', op: 'download', image: 'local', expected: (fault, times) => atDownload('scenario', fault, times) }, // prettier-ignore
    { name: 'cancel', op: 'cancel', image: 'local', cancels: true, before: [RUNS_LONG], expected: atCancel }, // prettier-ignore
  ],
};

const DONE: Expected = { ends: ['succeeded'], posts: [1, 1], accepted: [1] };

export function cells(): Cell[] {
  const all: Cell[] = [];
  for (const provider of ['fal', 'pixazo', 'scenario'] as const) {
    for (const step of STEPS[provider]) {
      for (const fault of WIRE_FAULTS) {
        for (const times of [1, 'always'] as const) {
          const { image = 'url', before = [], op, cancels, stream, fresh } = step;
          // A stream is followed in real time, and a pause as well.
          const slow = fault.slow ?? (stream && fault.name === '429 for ten years');
          all.push({
            provider,
            step: step.name,
            name: `${fault.name}, ${times === 1 ? 'once' : 'always'}`,
            image,
            faults: [...before, { op, action: fault.action, times }],
            ...(cancels ? { cancels } : {}),
            ...(stream ? { stream } : {}),
            ...(fresh ? { fresh } : {}),
            ...(slow ? { slow: true } : {}),
            expected: step.expected(fault, times),
          });
        }
      }
    }
  }
  return [...all, ...ownCells()];
}
