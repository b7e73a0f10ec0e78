import type { ServiceId } from './bench.js';
import type { Cell, Expected } from './cells.js';

/** What only one provider, or only a file, can do: refusals in its words, jobs that fail, odd replies, odd files. */

type Charged = NonNullable<Expected['charged']>[number];
type Own = Pick<Cell, 'name' | 'faults' | 'expected'> & Partial<Cell>;

const ONCE = { posts: [1, 1], accepted: [1] } as const;
const DONE: Expected = { ends: ['succeeded'], ...ONCE };

const failed = (says: RegExp, ...charged: Charged[]): Expected => ({
  ends: ['failed'],
  charged,
  says,
  ...ONCE,
});
const refused = (says: RegExp): Expected => ({ ...failed(says, 'no'), accepted: [0] });
const waiting = (says: RegExp): Expected => ({ ends: ['waits'], says, ...ONCE });
const unclear: Expected = { ends: ['unconfirmed'], charged: ['unknown'], says: /without the id/, ...ONCE };

/** Paid for and not to be had: it waits for somebody, and is given up after days. */
const noFile = (says: RegExp, ...charged: Charged[]): Expected => ({
  ends: ['files'],
  charged,
  says,
  ...ONCE,
  healed: 'succeeded',
  later: { end: 'failed', charged, says: /could not be stored|not there any more/ },
});

/** Done, and without a model each time that it is asked for. */
const noModel = (...charged: Charged[]): Expected => ({
  ends: ['files'],
  charged,
  says: /no model file/,
  ...ONCE,
  later: { end: 'failed', charged, says: /no model file/ },
});

const job = (name: string, plan: Record<string, unknown>, expected: Expected): Own => ({
  name,
  faults: [{ op: 'submit', action: { type: 'job', ...plan } }],
  expected,
});

const at = (name: string, op: string, action: unknown, expected: Expected, times?: 'always'): Own => ({
  name,
  faults: [{ op, action, ...(times ? { times } : {}) }],
  expected,
});

/** At every provider. */
function common(provider: ServiceId): Own[] {
  const charged: Charged = provider === 'pixazo' ? 'unknown' : 'yes';
  const swap = (content: string): unknown => ({ type: 'swap', content });
  const nowhere: Expected = {
    ends: ['failed'],
    charged: ['no'],
    says: /reached|refused|connect/i,
    posts: [0, 0],
    accepted: [0],
  };
  return [
    { name: 'nobody listens', faults: [], down: true, expected: nowhere },
    at('nobody listens any more', 'status', { type: 'refuse' }, { ...waiting(/connect|ECONNREFUSED/i), healed: 'succeeded' }), // prettier-ignore
    job('a queue that does not move', { queueMs: 'never' }, waiting(/queue/i)),
    job('a run that does not end', { queueMs: 0, runMs: 'never' }, waiting(/%/)),
    job('states of unknown names', { timeline: [{ afterMs: 0, status: 'PONDERING' }] }, DONE),
    job('states that go backwards', { timeline: [{ afterMs: 0, status: 'IN_PROGRESS' }, { afterMs: 50, status: 'IN_QUEUE' }] }, DONE), // prettier-ignore
    job('no id in the reply', { omit: ['request_id', 'job_id', 'id', 'jobId', 'task_id', 'job'] }, unclear),
    at('no ranges', 'download', { type: 'no-ranges' }, DONE, 'always'),
    ...['html', 'xml'].flatMap((kind) => [
      at(`${kind} for a model, once`, 'download', swap(kind), DONE),
      at(`${kind} for a model, always`, 'download', swap(kind), noFile(/no file of a known kind/, charged), 'always'), // prettier-ignore
    ]),
    at('a GLB that is damaged, once', 'download', swap('corrupt-glb'), DONE),
    at('a GLB that is damaged, always', 'download', swap('corrupt-glb'), DONE, 'always'),
    ...['fbx', 'obj', 'stl', 'usdz', 'png'].map((kind) =>
      at(`${kind} for a GLB`, 'download', swap(kind), { ...DONE, format: kind }, 'always'),
    ),
  ];
}

const fal: Own[] = [
  ...(['content-policy', 'image-load', 'no-media'] as const).map((failure) =>
    job(`fails: ${failure}`, { failure }, failed(/failed at fal: ./, 'no', 'unknown')),
  ),
  job('fails: billed all the same', { failure: 'billed-422' }, failed(/failed at fal: ./, 'yes')),
  job(
    'fails: words alone',
    { failure: 'detail-text' },
    failed(/mesh could not be extracted/, 'no', 'unknown'),
  ),
  ...(
    [
      'internal-error',
      'runner-error',
      'runner-disconnected',
      'generation-timeout',
      'request-timeout',
      'user-timeout',
    ] as const
  ).map((failure) =>
    // prettier-ignore
    job(`fails: ${failure}`, { failure }, failed(/failed at fal: ./, 'no')),
  ),
  job('fails: in HTML', { failure: 'html' }, failed(/failed at fal: .*502/, 'no')),
  job('fails: as text', { failure: 'plain-text' }, failed(/failed at fal: ./, 'no')),
  job('no URLs in the reply', { omit: ['response_url', 'status_url', 'cancel_url'] }, DONE),
  job('URLs that lead elsewhere', { urlOrigin: 'https://attacker.example' }, DONE),
  job('no logs', { logs: 'null' }, DONE),
  job('endless logs', { logs: 'long' }, DONE),
  job('a result of 100 KB', { resultBytes: 100_000 }, DONE),
  job('files by URL alone', { files: 'url-only' }, DONE),
  job('files of placeholders', { files: 'placeholder' }, DONE),
  job('a file without a URL', { files: 'empty-url' }, noModel('yes')),
  job('no file', { output: { model_glb: null } }, noModel('yes')),
  {
    ...job('a cancellation that is not listened to', { queueMs: 0, runMs: 'never', ignoreCancel: true }, { ...DONE, says: /runs on/ }), // prettier-ignore
    cancels: true,
  },
  ...(['end', 'cut', 'silence'] as const).flatMap((how) =>
    [0, 1].flatMap((afterEvents) =>
      (['once', 'always'] as const).map((often) => ({
        ...at(`a stream with ${afterEvents} events and ${how}, ${often}`, 'stream', { type: 'stream', afterEvents, how }, DONE, often === 'always' ? often : undefined), // prettier-ignore
        stream: true as const,
        ...(how === 'silence' ? { slow: true as const } : {}),
      })),
    ),
  ),
];

const pixazo: Own[] = [
  at(
    'refused: no balance',
    'submit',
    { type: 'refusal', kind: 'no-balance' },
    refused(/balance|credit|wallet/i),
  ),
  at(
    'refused: model disabled',
    'submit',
    { type: 'refusal', kind: 'model-disabled' },
    refused(/disabled|model/i),
  ),
  at('refused: bad request', 'submit', { type: 'refusal', kind: 'bad-request' }, refused(/./)),
  at('refused: forbidden', 'submit', { type: 'refusal', kind: 'forbidden' }, refused(/./)),
  at('an internal error', 'submit', { type: 'refusal', kind: 'internal' }, { ...unclear, says: /500/, accepted: [0] }), // prettier-ignore
  job('fails: in the model', { failure: 'failed' }, failed(/failed at Pixazo: ./, 'unknown')),
  job('fails: in the queue', { failure: 'error' }, failed(/Pixazo had an error of its own: ./, 'no')),
  ...['succeeded', 'ready', 'done', 'Completed'].map((doneWord) =>
    job(`done is ${doneWord}`, { doneWord }, DONE),
  ),
  ...['documented', 'lower-case', 'skills'].map((statusStyle) =>
    job(`${statusStyle} states`, { statusStyle }, DONE),
  ),
  ...['array', 'string'].map((mediaUrl) => job(`a file as ${mediaUrl}`, { mediaUrl }, DONE)),
  ...['empty-array', 'null'].map((mediaUrl) => job(`no file: ${mediaUrl}`, { mediaUrl }, failed(/no file|no model|names no/, 'unknown'))), // prettier-ignore
  ...['mixed', 'iso', 'plain', 'missing'].map((times) => job(`${times} times`, { times }, DONE)),
  ...['foreign-host', 'http', 'missing', 'file:///etc/passwd', 'nonsense'].map((pollingUrl) => job(`a status at ${pollingUrl}`, { pollingUrl }, DONE)), // prettier-ignore
  job('unknown in the first seconds', { unknownMs: 5_000 }, DONE),
];

const scenario: Own[] = [
  ...['plan', 'no-units', 'limit', 'bad-input', 'project', 'forbidden'].map((kind) => at(`refused: ${kind}`, 'submit', { type: 'refusal', kind }, refused(/plan|unit|limit|later|input|project|not allowed|forbidden|denied|refuse|permission|parameter/i))), // prettier-ignore
  job('fails: with words', { failure: 'text' }, failed(/failed at Scenario: ./, 'no')),
  job('fails: with an object', { failure: 'object' }, failed(/failed at Scenario: ./, 'no')),
  job('fails: another word', { failure: { status: 'failed' } }, failed(/failed at Scenario: ./, 'no')),
  job('cancelled there', { failure: { status: 'canceled' } }, { ends: ['cancelled'], charged: ['no', 'unknown'], says: /cancelled at Scenario/, ...ONCE }), // prettier-ignore
  job('progress that jumps', { progress: [{ afterMs: 0, value: 0.9 }, { afterMs: 50, value: 0.1 }, { afterMs: 99, value: 7 }] }, DONE), // prettier-ignore
  job('done without an asset', { outputs: 'none' }, failed(/no file|names no/, 'yes')),
  job('a picture before the model', { outputs: 'preview-first' }, DONE),
  job('a picture after the model', { outputs: 'preview-last' }, DONE),
  job('a picture and no model', { outputs: 'preview-only' }, noModel('yes')),
  at('a link that is dead at once', 'asset', { type: 'asset', urlLifeMs: 0 }, DONE),
  at('no type on a file', 'asset', { type: 'asset', omit: ['mimeType', 'kind'] }, DONE, 'always'),
  ...(['canceled', 'ignored'] as const).map((cancelReply) => ({
    ...job(`a cancellation that is ${cancelReply}`, { queueMs: 0, runMs: 'never', cancelReply }, { ends: ['cancelled', 'succeeded'], ...ONCE }), // prettier-ignore
    cancels: true as const,
  })),
];

const LARGE = {
  op: 'asset-create',
  times: 'always',
  action: { type: 'respond', status: 413, json: {} },
} as const;
const NOT_SENT = { posts: [0, 0], accepted: [0] } as const;
const uploads: Own[] = (['validation', 'import'] as const).map((failure) => ({
  name: `an upload that fails at its ${failure}`,
  faults: [LARGE, { op: 'upload-create', action: { type: 'upload', failure } }],
  expected: { ...refused(/image/), ...NOT_SENT },
}));

export function ownCells(): Cell[] {
  const own = { fal, pixazo, scenario: [...scenario, ...uploads] };
  return (['fal', 'pixazo', 'scenario'] as const).flatMap((provider) =>
    [...common(provider), ...own[provider]].map((cell) => ({
      provider,
      step: 'its own',
      image: provider === 'scenario' ? 'local' : 'url',
      fresh: true,
      ...cell,
    })),
  );
}
