import { z } from 'zod';
import type { Clock } from '../common/clock.js';
import type { Route } from '../common/control.js';
import { toJson } from '../common/control.js';
import type { JsonObject } from '../common/json.js';
import type { JobBoard } from './board.js';
import { ENDPOINTS } from './endpoints.js';
import type { Job } from './job.js';
import { reportedStatus } from './job.js';
import { PRICES } from './pricing.js';
import type { Settings } from './settings.js';
import { settingsSchema } from './settings.js';
import type { Webhooks } from './webhooks.js';

const idSchema = z.strictObject({ id: z.string() });
const changesSchema = z.record(z.string(), z.unknown());

/**
 * What fal's control plane has beyond the common routes: `GET /jobs`, `/settings`, `/endpoints`, `/webhooks`;
 * `POST /settings {…}`, `/jobs/complete {id}`, `/keys/rotate`.
 */
export function controlRoutes({
  settings,
  board,
  webhooks,
  clock,
}: {
  settings: Settings;
  board: JobBoard;
  webhooks: Webhooks;
  clock: Clock;
}): Record<string, Route> {
  return {
    'GET /jobs': () => board.all().map((job) => jobSummary(job, clock.now())),
    'POST /jobs/complete': (body) => {
      board.complete(idSchema.parse(body).id);
      return {};
    },
    'GET /settings': () => toJson(settings),
    'POST /settings': (body) => {
      Object.assign(settings, settingsSchema.parse({ ...settings, ...changesSchema.parse(body) }));
      return toJson(settings);
    },
    'GET /endpoints': () =>
      [...ENDPOINTS.values()].map(({ id, title }) => ({ id, title, price: toJson(PRICES[id] ?? null) })),
    'GET /webhooks': () => toJson(webhooks.attempts),
    'POST /keys/rotate': () => {
      webhooks.rotate();
      return {};
    },
  };
}

function jobSummary(job: Job, now: number): JsonObject {
  return {
    request_id: job.id,
    endpoint: job.endpoint.id,
    status: reportedStatus(job, now),
    outcome: job.outcome ?? null,
    created_at: job.createdAt,
    started_at: job.startedAt ?? null,
    done_at: job.doneAt ?? null,
    // CLOCK_MONOTONIC: comparable with `process.hrtime` of any process of this machine.
    done_ns: job.doneNs?.toString() ?? null,
  };
}
