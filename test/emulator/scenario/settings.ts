import { z } from 'zod';

/** The key and its secret that every new emulator knows. */
export const SCENARIO_TEST_KEY = 'api_emulatorScenarioKey0001';
export const SCENARIO_TEST_SECRET = 'emulatorScenarioSecret0001';

/** What can be switched while the emulator runs. Whatever the documents leave open is a switch. */
export const settingsSchema = z.strictObject({
  /** Pairs `key:secret`. */
  keys: z.array(z.string()).default([`${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`]),
  /** Projects that the keys belong to; `?projectId=` with any other is refused. */
  projectIds: z.array(z.string()).default(['proj_emulator']),
  /** How long a job runs, milliseconds; by default the usual time, multiplied by `timeScale`. */
  jobMs: z.number().min(0).optional(),
  timeScale: z.number().positive().default(1),
  /** Jobs run longer by up to so many milliseconds. */
  jitterMs: z.number().int().min(0).default(0),
  /** `public`: replies name Scenario's own hosts, for clients that rewrite hosts. */
  hosts: z.enum(['loopback', 'public']).default('loopback'),
  /** The plan that the models ask for; when set, every run is refused, dry ones too. */
  requiredPlan: z.string().optional(),
  /** Jobs that a team may have at once; more are refused with 429. */
  concurrency: z.number().int().positive().optional(),
  limitShape: z.enum(['remaining-seconds', 'details']).default('remaining-seconds'),
  /** How errors name their trace. */
  traceName: z.enum(['trace_id', 'traceId']).default('traceId'),
  /** The documents say that unknown parameters are rejected, and that `dryRun` in the body is not. */
  unknownFields: z.enum(['refused', 'ignored']).default('refused'),
  /** The documents' status of a dry run; 200 is what many would expect. */
  dryRunStatus: z.union([z.literal(269), z.literal(200)]).default(269),
  /** Creative units for intellectual property detection, on top of the cost; 0: it is off. */
  ipDetectionUnits: z.number().min(0).default(0),
  /** US dollars a creative unit: no such price is published. */
  unitUsd: z.number().min(0).default(0),
  /** How the metadata of a generated asset tells the seed: the documents allow both types. */
  seedShape: z.enum(['text', 'number', 'missing']).default('text'),
  cancelReply: z.enum(['refused', 'canceled', 'ignored']).default('refused'),
  /** Whether a canceled job is charged; the documents do not say. */
  billCanceled: z.boolean().default(true),
  /** Cap on an image in `POST /assets`, and how a larger one is refused. */
  imageCapBytes: z.number().default(6_000_000),
  imageCapStatus: z.union([z.literal(413), z.literal(400)]).default(413),
  /** Cap on any request body. */
  bodyCapBytes: z.number().default(10_000_000),
  /** Least size of every part of an upload but the last. */
  minPartBytes: z.number().default(5 * 1024 * 1024),
  partUrlLifeMs: z.number().default(3_600_000),
  /** From the completion of an upload to its asset. */
  validateMs: z.number().min(0).default(2000),
  /** Jobs that a page of the list has at most, whatever was asked for. */
  pageCap: z.number().int().positive().default(200),
  /** Whether the list tells what each job was given, or only the read of one job does. */
  listInput: z.boolean().default(true),
  /** Life of asset URLs in place of the calendar's, milliseconds. */
  urlLifeMs: z.number().optional(),
});
export type Settings = z.output<typeof settingsSchema>;
export type SettingsInput = z.input<typeof settingsSchema>;
