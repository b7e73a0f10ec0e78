import { z } from 'zod';

/** The key that every new emulator knows. */
export const PIXAZO_TEST_KEY = 'emulator-pixazo-key-0123456789abcdef';

/** What can be switched while the emulator runs. Whatever the documents leave open is a switch. */
export const settingsSchema = z.strictObject({
  keys: z.array(z.string()).default([PIXAZO_TEST_KEY]),
  /** How long a job runs, milliseconds; by default the usual time, multiplied by `timeScale`. */
  jobMs: z.number().min(0).optional(),
  timeScale: z.number().positive().default(1),
  /** Jobs run longer by up to so many milliseconds. */
  jitterMs: z.number().int().min(0).default(0),
  /** `public`: replies name Pixazo's own hosts, for clients that rewrite hosts. */
  hosts: z.enum(['loopback', 'public']).default('loopback'),
  acceptedStatus: z.union([z.literal(202), z.literal(200)]).default(202),
  /**
   * `polling_url` of the submit reply: `normal`, `foreign-host`, `http` (the real host without TLS), `missing`, or
   * any text, in which `{id}` stands for the request id.
   */
  pollingUrl: z.string().default('normal'),
  /** `skills`: the other official shape, `task_id`, lower-case words, `output_url`, `/pixal3d/v1/result/{id}`. */
  statusStyle: z.enum(['documented', 'lower-case', 'skills']).default('documented'),
  mediaUrl: z.enum(['array', 'string', 'empty-array', 'null']).default('array'),
  /** `mixed`, as in the documents: ISO with Z in one field, `YYYY-MM-DD HH:MM:SS` without a zone in the others. */
  times: z.enum(['mixed', 'iso', 'plain', 'missing']).default('mixed'),
  /** Whether polling a failed job shows times: the documents' sample does not, their callback does. */
  failureTimes: z.boolean().default(false),
  /** A new request is unknown to the status route for so long. */
  unknownMs: z.number().min(0).default(0),
  /** Bodies of 401, 403, 404, 429 and 5xx, of which the documents say nothing. */
  refusalBodies: z.enum(['documented', 'gateway', 'empty']).default('documented'),
  /** Where a bad parameter is found: at once, or by the model when the job runs. */
  validateAt: z.enum(['submit', 'run']).default('submit'),
  dataUris: z.enum(['refused', 'accepted']).default('refused'),
  /** Origins on this machine that count as public: images there are fetched and must be images. */
  publicOrigins: z.array(z.string()).default([]),
  /** Whether FAILED is charged; the documents do not say. ERROR never is. */
  billFailed: z.boolean().default(true),
  /** US dollars a call: no price is published, so this is a figure of the emulator. */
  callUsd: z.number().min(0).default(0.5),
  /** Webhooks must be https; tests have no other place to receive them than http on this machine. */
  webhookLoopback: z.boolean().default(false),
  /** The refusal of an http webhook. */
  webhookRefusalBody: z.enum(['documented', 'empty', 'html']).default('documented'),
  /** Interval of the queue's own polling, at which `sync` webhooks fire. */
  webhookSyncMs: z.number().positive().default(15_000),
  webhookTimeoutMs: z.number().positive().default(5000),
  webhookRetryMs: z.number().positive().default(10_000),
  /** Deliveries that fail one after the other before a job's webhook is given up. */
  webhookFailures: z.number().int().positive().default(3),
});
export type Settings = z.output<typeof settingsSchema>;
export type SettingsInput = z.input<typeof settingsSchema>;
