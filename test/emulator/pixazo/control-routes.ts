import { z } from 'zod';
import type { Clock } from '../common/clock.js';
import type { Route } from '../common/control.js';
import { toJson } from '../common/control.js';
import type { Runs } from '../common/runs.js';
import type { Job } from './job.js';
import { stateOf } from './job.js';
import type { Settings } from './settings.js';
import { settingsSchema } from './settings.js';
import type { Webhooks } from './webhooks.js';

const idSchema = z.strictObject({ id: z.string() });
const forgeSchema = z.strictObject({ id: z.string(), body: z.record(z.string(), z.json()).default({}) });
const changesSchema = z.record(z.string(), z.unknown());

/**
 * What Pixazo's control plane has beyond the common routes: `GET /jobs`, `/settings`, `/webhooks`;
 * `POST /settings {…}`, `/jobs/complete {id}`, `/webhooks/forge {id, body}`.
 */
export function controlRoutes({
  settings,
  runs,
  webhooks,
  clock,
}: {
  settings: Settings;
  runs: Runs<Job>;
  webhooks: Webhooks;
  clock: Clock;
}): Record<string, Route> {
  return {
    'GET /jobs': () =>
      runs.all().map((job) => ({
        request_id: job.id,
        endpoint: 'pixal3d',
        status: stateOf(job, clock.now()),
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
    'GET /settings': () => toJson(settings),
    'POST /settings': (body) => {
      Object.assign(settings, settingsSchema.parse({ ...settings, ...changesSchema.parse(body) }));
      return toJson(settings);
    },
    'GET /webhooks': () => toJson(webhooks.attempts),
    'POST /webhooks/forge': async (body) => {
      const { id, body: over } = forgeSchema.parse(body);
      const job = runs.get(id);
      if (!job) throw new Error(`The emulator has no job ${id}.`);
      await webhooks.forge(job, over);
      return {};
    },
  };
}
