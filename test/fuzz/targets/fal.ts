import { keepSecret } from '../../../src/log.js';
import { EventParser } from '../../../src/providers/fal/event-stream.js';
import { FalHosts } from '../../../src/providers/fal/hosts.js';
import {
  addressesOf,
  operationOf,
  readOperation,
  storeOperation,
} from '../../../src/providers/fal/operation.js';
import { Progress } from '../../../src/providers/fal/progress.js';
import { refusals } from '../../../src/providers/fal/refusal.js';
import { readStatus } from '../../../src/providers/fal/status.js';
import { retryAfterMs } from '../../../src/providers/schedule.js';
import { mutateJson } from '../mutate-json.js';
import { holdOrigin, holdRefusals, SECRET } from '../replies.js';
import { hold, json, readable, type Target, text, toJsonValue, toText } from '../target.js';

keepSecret(SECRET);
const QUEUE = 'https://queue.fal.run';
const hosts = new FalHosts({ queueUrl: QUEUE, restUrl: 'https://rest.fal.ai', allowHosts: [] });
const ID = '764cabcf-b745-4b3e-ae38-1200304cf45b';
const request = `${QUEUE}/fal-ai/pixal3d/requests/${ID}`;

export const target: Target = {
  about: 'what fal answers: submits, statuses, log lines, events, refusals',
  guides: [
    '/src/providers/fal/',
    '/src/providers/schedule',
    '/src/providers/turned-down',
    '/src/providers/timed-progress',
  ],
  seeds: () => [
    json({
      status: 'IN_QUEUE',
      request_id: ID,
      queue_position: 2,
      status_url: `${request}/status`,
      response_url: request,
      cancel_url: `${request}/cancel`,
    }),
    json({
      status: 'IN_PROGRESS',
      logs: [
        {
          message: '2026-01-01 12:00:00,123 - INFO - Sampling:  40%|####      | 20/50',
          timestamp: '2026-01-01T12:00:00Z',
        },
        { message: 'Step 3/50' },
        { message: 'progress: 40' },
      ],
    }),
    json({
      status: 'COMPLETED',
      error: 'Invalid status code: 422',
      error_type: 'request_timeout',
      metrics: { inference_time: 1.5 },
    }),
    json({
      detail: [
        { loc: ['body', 'image_urls', 2], msg: 'too small', type: 'image_too_small', ctx: {} },
        { loc: [], msg: '' },
      ],
    }),
    json({ detail: `User is locked. Reason: Exhausted balance ${SECRET}` }),
    json({ error: { message: 'no' }, error_type: 'internal_error' }),
    text('<html><head><title>502</title></head></html>'),
    text(`: comment\ndata: {"status":"IN_QUEUE"}\r\n\r\ndata: {"status":\ndata: "COMPLETED"}\n\n`),
    text('{"status":"IN_QUEUE","queue_position":1e999}'),
    json({ status: 'IN_PROGRESS', logs: [{ message: 'bak\u001ding' }] }),
    json({
      detail: Array.from({ length: 4 }, () => ({
        loc: ['body', 'x'.repeat(1000)],
        msg: 'm'.repeat(1000),
        type: 't',
      })),
    }),
    text('Sun, 06 Nov 1994 08:49:37 GMT'),
    text('120'),
    text('\u001b[32mBaking\u001b[0m: 100%|██████████| 12/12 [00:03<00:00]\rBaking: 3%'),
  ],
  mutate: mutateJson,
  tokens: ['status', 'IN_QUEUE', 'IN_PROGRESS', 'COMPLETED', 'request_id', 'status_url', 'response_url', 'cancel_url', 'queue_position', 'logs', 'message', 'timestamp', 'detail', 'loc', 'msg', 'type', 'error', 'error_type', 'data: ', '\n\n', '\r\n', '%', '/requests/', ID, QUEUE, 'https://evil.example', SECRET, 'User is locked', 'progress: ', 'Step ', ' of '], // prettier-ignore
  run: (bytes) => {
    const raw = toText(bytes);
    const value = toJsonValue(bytes);
    const operation = operationOf(value, 'fal-ai/pixal3d', 0, hosts);
    if (operation) {
      const again = readOperation(storeOperation(operation));
      hold(again.requestId === operation.requestId, 'an operation is not what was stored');
      for (const kind of ['status', 'result', 'cancel'] as const)
        holdOrigin(addressesOf(again, kind, hosts), QUEUE);
    }
    const progress = new Progress(60);
    let last = 0;
    const look = (status: unknown): void => {
      const seen = readStatus(status);
      if (!seen) return;
      progress.seen(seen, 1000);
      const { progress: share = 0, stage = '-', queuePosition } = progress.at(2000);
      hold(share >= last && share <= 1, `progress went from ${last} to ${share}`);
      hold(
        queuePosition === undefined || Number.isInteger(queuePosition),
        `place ${queuePosition} in the queue`,
      );
      readable(stage);
      last = share;
    };
    look(value);
    look({ status: 'IN_PROGRESS', logs: [{ message: raw }] });
    const parser = new EventParser((data) => look(toJsonValue(text(data))));
    parser.push(raw.slice(0, raw.length >> 1));
    parser.push(raw.slice(raw.length >> 1));
    holdRefusals(raw, refusals('fal-ai/pixal3d'));
    const wait = retryAfterMs(raw, 1000);
    hold(wait === undefined || (wait >= 0 && wait <= 120_000), `wait ${wait} ms`);
  },
};
