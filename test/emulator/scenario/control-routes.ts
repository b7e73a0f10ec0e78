import { z } from 'zod';
import type { Clock } from '../common/clock.js';
import type { Route } from '../common/control.js';
import { toJson } from '../common/control.js';
import type { Runs } from '../common/runs.js';
import type { Assets } from './assets.js';
import type { Job } from './job.js';
import { statusOf } from './job.js';
import type { Settings } from './settings.js';
import { settingsSchema } from './settings.js';

const idSchema = z.strictObject({ id: z.string() });
const changesSchema = z.record(z.string(), z.unknown());

/**
 * What Scenario's control plane has beyond the common routes: `GET /jobs`, `/assets`, `/settings`;
 * `POST /settings {…}`, `/jobs/complete {id}`.
 */
export function controlRoutes({
  settings,
  runs,
  assets,
  clock,
}: {
  settings: Settings;
  runs: Runs<Job>;
  assets: Assets;
  clock: Clock;
}): Record<string, Route> {
  return {
    'GET /jobs': () =>
      runs.all().map((job) => ({
        request_id: job.id,
        endpoint: job.modelId,
        status: statusOf(job, clock.now()),
        created_at: job.createdAt,
        started_at: job.startedAt ?? null,
        done_at: job.doneAt ?? null,
        // CLOCK_MONOTONIC: comparable with `process.hrtime` of any process of this machine.
        done_ns: job.doneNs?.toString() ?? null,
      })),
    'POST /jobs/complete': (body) => {
      runs.complete(idSchema.parse(body).id);
      return {};
    },
    'GET /assets': () => toJson(assets.all()),
    'GET /settings': () => toJson(settings),
    'POST /settings': (body) => {
      Object.assign(settings, settingsSchema.parse({ ...settings, ...changesSchema.parse(body) }));
      return toJson(settings);
    },
  };
}
