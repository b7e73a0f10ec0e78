import { z } from 'zod';

/** What can be switched while the emulator runs. */
export const settingsSchema = z.strictObject({
  /** Keys (`id:secret`) that are known. */
  keys: z.array(z.string()).default(['emulator-key-id:emulator-key-secret']),
  /** How long a job runs, milliseconds; by default the endpoint's usual times, multiplied by `timeScale`. */
  jobMs: z.number().min(0).optional(),
  timeScale: z.number().positive().default(1),
  /** Jobs run longer by up to so many milliseconds, so that a thousand do not end at once. */
  jitterMs: z.number().int().min(0).default(0),
  /** Runners for this account; new accounts have two. Jobs beyond wait, none is refused. */
  concurrency: z.number().int().positive().optional(),
  /** Which paths the submit reply returns: `owner/alias`, the full endpoint id, or a result that ends in `/response`. */
  urlMode: z.enum(['alias', 'nested', 'response-suffix']).default('alias'),
  /** Only the paths that were returned are served. */
  strictUrls: z.boolean().default(false),
  /** `public`: replies name fal's own hosts, for clients that rewrite hosts. */
  hosts: z.enum(['loopback', 'public']).default('loopback'),
  coercion: z.enum(['strict', 'lenient']).default('strict'),
  /** Where a bad input is found: at once, or by the model when the job runs. */
  validateAt: z.enum(['submit', 'run']).default('submit'),
  /** Endpoints that are gone. */
  delisted: z.array(z.string()).default([]),
  cancelReply: z.enum(['status', 'success']).default('status'),
  /** Whether a job that was cancelled while it ran is charged; the documents do not say. */
  billCancelled: z.boolean().default(true),
  /** Whether there is a status stream. */
  streaming: z.boolean().default(true),
  /** Log lines per event of a stream: the new ones, or the window that polling sees. */
  streamLogs: z.enum(['new', 'window']).default('new'),
  /** Log lines that a status shows at most, the latest. */
  logWindow: z.number().int().positive().default(40),
  resultLifeMs: z.number().default(3_600_000),
  /** Life of a result of 10 KB or more. */
  largeResultLifeMs: z.number().default(360_000),
  uploadUrlLifeMs: z.number().default(3_600_000),
  /** fal drops webhooks to loopback; tests have no other place to receive them. */
  webhookLoopback: z.boolean().default(false),
  webhookFirstTimeoutMs: z.number().default(15_000),
  webhookRetryTimeoutMs: z.number().default(120_000),
  webhookAttempts: z.number().int().positive().default(31),
  /** How `x` is written in the key set: live ones are said to be padded. */
  jwksPadding: z.enum(['padded', 'unpadded', 'mixed']).default('mixed'),
});
export type Settings = z.output<typeof settingsSchema>;
export type SettingsInput = z.input<typeof settingsSchema>;
