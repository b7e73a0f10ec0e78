import { keepSecret } from '../../../src/log.js';
import { readAsset } from '../../../src/providers/scenario/assets.js';
import { readJob } from '../../../src/providers/scenario/job.js';
import { operationOf, readOperation, storeOperation } from '../../../src/providers/scenario/operation.js';
import { refusals } from '../../../src/providers/scenario/refusals.js';
import { readUpload } from '../../../src/providers/scenario/uploads.js';
import { mutateJson } from '../mutate-json.js';
import { holdRefusals, SECRET } from '../replies.js';
import { hold, json, readable, type Target, text, toJsonValue, toText } from '../target.js';

keepSecret(SECRET);

export const target: Target = {
  about: 'what Scenario answers: submits, jobs, assets, uploads, refusals',
  guides: ['/src/providers/scenario/', '/src/providers/json-api', '/src/providers/turned-down'],
  seeds: () => [
    json({
      job: { jobId: 'job_a1', status: 'in-progress', progress: 0.4, metadata: { assetIds: ['asset_1'] } },
      creativeUnitsCost: 25,
    }),
    json({
      job: {
        id: 'job_a1',
        status: 'failure',
        metadata: { error: { message: `no ${SECRET}` }, hint: 'try' },
        billing: { cuCost: 3, disableRefund: true },
      },
    }),
    json({
      job: {
        jobId: 'j',
        status: 'success',
        metadata: { assetIds: ['asset_1', '../x'], output: { entityId: 'e' } },
      },
    }),
    json({
      asset: {
        id: 'asset_1',
        url: 'https://cdn.example/a.glb?sig=x',
        mimeType: 'model/gltf-binary',
        kind: '3d',
        metadata: { kind: 'x', type: 'y' },
      },
    }),
    json({
      upload: {
        id: 'upload_1',
        status: 'pending',
        jobId: 'job_1',
        parts: [
          { number: 2, url: 'https://s.example/2' },
          { number: 1, url: 'https://s.example/1' },
        ],
      },
    }),
    json({ reason: 'plan', requiredPlan: 'pro', modelId: 'm', name: 'ModelAccessRestrictedError' }),
    json({ details: { remainingSeconds: 12, actionName: 'jobs', actionLimit: 3 } }),
    text('{"details":{"remainingSeconds":1e999}}'),
    json({ upload: { id: 'u', parts: [{ number: { toString: 1 }, url: 'x' }], error: '\u0000' } }),
    text('nothing'),
  ],
  mutate: mutateJson,
  tokens: [
    'job',
    'jobId',
    'status',
    'progress',
    'metadata',
    'assetIds',
    'error',
    'hint',
    'billing',
    'cuCost',
    'asset',
    'url',
    'upload',
    'parts',
    'number',
    'entityId',
    'reason',
    'requiredPlan',
    'remainingSeconds',
    'success',
    'failure',
    '..',
    '/',
    SECRET,
  ],
  run: (bytes) => {
    const raw = toText(bytes);
    const value = toJsonValue(bytes);
    const operation = operationOf(value, 'model_pixal3d', 0);
    if (operation) {
      const again = readOperation(storeOperation(operation));
      hold(again.jobId === operation.jobId && !/[/?#%]|^\.+$/.test(again.jobId), `${again.jobId} in a path`);
    }
    const job = readJob(value);
    if (job) {
      for (const id of [...job.assetIds, job.entityId ?? 'x']) hold(/^[\w.-]+$/.test(id), `${id} in a path`);
      hold(
        job.progress === undefined || (job.progress >= 0 && job.progress <= 1),
        `progress ${job.progress}`,
      );
      hold(job.units === undefined || job.units >= 0, `${job.units} units`);
      for (const said of [job.error, job.hint]) {
        readable(said ?? '-');
        hold(!said?.includes(SECRET), 'a key was shown');
      }
    }
    hold(readAsset(value, 'asset_1')?.url !== '', 'a file without a URL');
    const upload = readUpload(value);
    hold(upload === undefined || /^[\w.-]+$/.test(upload.id), 'an upload in a path');
    readable(upload?.error ?? '-');
    holdRefusals(raw, refusals('model_pixal3d'));
  },
};
