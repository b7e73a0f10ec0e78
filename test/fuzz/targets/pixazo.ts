import { keepSecret } from '../../../src/log.js';
import {
  addressesOf,
  operationOf,
  readOperation,
  storeOperation,
} from '../../../src/providers/pixazo/operation.js';
import { refusals } from '../../../src/providers/pixazo/refusals.js';
import { readStatus } from '../../../src/providers/pixazo/status.js';
import { mutateJson } from '../mutate-json.js';
import { holdOrigin, holdRefusals, SECRET } from '../replies.js';
import { hold, json, readable, type Target, text, toJsonValue, toText } from '../target.js';

keepSecret(SECRET);
const BASE = 'https://gateway.pixazo.ai';

export const target: Target = {
  about: 'what Pixazo answers: submits, statuses, refusals',
  guides: ['/src/providers/pixazo/', '/src/providers/json-api', '/src/providers/turned-down'],
  seeds: () => [
    json({
      request_id: 'pixal3d_0197',
      status: 'QUEUED',
      polling_url: `${BASE}/v2/requests/status/pixal3d_0197`,
    }),
    json({
      status: 'COMPLETED',
      output: { media_url: ['https://cdn.example/a.glb'], media_type: 'model/glb' },
    }),
    json({ status: 'ready', output_url: 'https://cdn.example/a.glb', task_id: 'x' }),
    json({ status: 'FAILED', error: { message: `no ${SECRET}` } }),
    json({ status: 'error', message: 'queue' }),
    json({ statusCode: 401, message: 'Access denied due to missing subscription key.' }),
    json({ error: 'model disabled', message: { detail: { reason: 'x' } } }),
    text('Bad gateway'),
  ],
  mutate: mutateJson,
  tokens: [
    'status',
    'request_id',
    'task_id',
    'polling_url',
    'output',
    'media_url',
    'media_type',
    'output_url',
    'url',
    'error',
    'message',
    'COMPLETED',
    'FAILED',
    'CANCELLED',
    BASE,
    'https://evil.example',
    '..',
    '%2e%2e',
    SECRET,
  ],
  run: (bytes) => {
    const raw = toText(bytes);
    const value = toJsonValue(bytes);
    const operation = operationOf(value, 'pixal3d', 0, BASE, undefined);
    if (operation) {
      const again = readOperation(storeOperation(operation), BASE);
      hold(again.requestId === operation.requestId, 'an operation is not what was stored');
      holdOrigin(addressesOf(again, BASE), BASE);
    }
    const status = readStatus(value);
    if (status?.state === 'completed')
      for (const { url } of status.files) hold(url !== '', 'a file without a URL');
    if (status && 'message' in status) readable(status.message ?? '-');
    holdRefusals(raw, refusals('pixal3d'));
  },
};
