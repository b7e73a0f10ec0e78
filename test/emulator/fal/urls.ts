import type { Classified } from '../common/role-server.js';
import type { JobBoard } from './board.js';
import { aliasOf } from './endpoints.js';
import type { Job } from './job.js';
import type { Settings } from './settings.js';

export interface JobUrls {
  status_url: string;
  response_url: string;
  cancel_url: string;
}

/** The three URLs of the submit reply. */
export function urlsOf(origin: string, job: Job): JobUrls {
  const request = `${job.plan.urlOrigin ?? origin}/${job.base}/requests/${job.id}`;
  return {
    response_url: request + job.resultSuffix,
    status_url: `${request}/status`,
    cancel_url: `${request}/cancel`,
  };
}

/** Whether a job answers under this path: in strict mode only under those that were returned. */
export function isServed({ strictUrls }: Settings, job: Job, path: string): boolean {
  const [, base = '', , rest] = REQUEST_PATH.exec(path) ?? [];
  const asResult = rest === undefined || rest === 'response';
  if (!strictUrls) return base === job.endpoint.id || base === aliasOf(job.endpoint.id);
  return base === job.base && (!asResult || (rest === 'response') === (job.resultSuffix !== ''));
}

const REQUEST_PATH = /^\/(.+)\/requests\/([^/]+?)(?:\/(status\/stream|status|cancel|response))?$/;

export function classifyQueue(board: JobBoard, method: string, path: string): Classified {
  const match = REQUEST_PATH.exec(path);
  if (!match) return method === 'POST' ? { op: 'submit', endpoint: path.slice(1) } : { op: 'unknown' };
  const [, , requestId = '', rest] = match;
  const op =
    rest === 'status/stream' ? 'stream' : rest === undefined || rest === 'response' ? 'result' : rest;
  return { op, requestId, endpoint: board.get(requestId)?.endpoint.id };
}
