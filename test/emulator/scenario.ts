import { effectOf } from './common/actions.js';
import type { Exchange } from './common/exchange.js';
import { textReply } from './common/exchange.js';
import type { FoundationOptions, RoleBehaviour, Running } from './common/foundation.js';
import { Foundation, redirectKeepingPath } from './common/foundation.js';
import type { Classified } from './common/role-server.js';
import { Runs } from './common/runs.js';
import { Answers } from './scenario/answers.js';
import { classifyApi, handleApi } from './scenario/api.js';
import type { ApiParts } from './scenario/api.js';
import { Assets } from './scenario/assets.js';
import { controlRoutes } from './scenario/control-routes.js';
import { settleJob } from './scenario/generate.js';
import type { Job } from './scenario/job.js';
import type { ParsedScenarioAction, ScenarioAction } from './scenario/plan.js';
import { scenarioActionSchema } from './scenario/plan.js';
import type { Settings, SettingsInput } from './scenario/settings.js';
import { settingsSchema } from './scenario/settings.js';
import { Uploads } from './scenario/uploads.js';

export { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET } from './scenario/settings.js';

/** `storage` takes the parts of uploads; `mirror` is a second CDN; nobody may reach `private`. */
export type ScenarioRole = 'api' | 'cdn' | 'storage' | 'mirror' | 'private';

/** On real and faster clocks usual durations are shortened 500 times, see `timeScale`. */
export interface ScenarioOptions extends SettingsInput, FoundationOptions<ScenarioRole> {}

export interface ScenarioEmulator extends Running<ScenarioRole, ScenarioAction, ParsedScenarioAction> {
  /** Origins without a slash at the end; `api` is the base URL and ends in `/v1`. */
  readonly urls: Record<ScenarioRole | 'control', string>;
  readonly settings: Settings;
  readonly jobs: Runs<Job>;
  readonly assets: Assets;
  readonly uploads: Uploads;
}

const PUBLIC_HOSTS = {
  cdn: 'https://cdn.cloud.scenario.com',
  storage: 'https://s3.amazonaws.com',
} as const;

/**
 * Starts a Scenario stand-in on loopback ports of its own: the API, the object store that takes the parts of uploads
 * (`storage`), and the CDN with its signed URLs (`cdn`).
 *
 * Written from the provider's documents alone, never from a client or a model file, so that both can be wrong.
 *
 * ```ts
 * const scenario = await startScenarioEmulator({ clock: 'virtual', concurrency: 1 });
 * scenario.fault({ match: { op: 'submit' }, action: { type: 'job', outputs: 'preview-first' } });
 * scenario.fault({ match: { op: 'asset' }, action: { type: 'asset', urlLifeMs: 0 } });
 * // … POST {scenario.urls.api}/generate/custom/model_pixal3d …
 * scenario.clock.advance(180_000);
 * scenario.ledger.entries(); // creative units, charged at submission
 * await scenario.close();
 * ```
 */
export async function startScenarioEmulator(options: ScenarioOptions = {}): Promise<ScenarioEmulator> {
  const { clock: mode, startTime, seed, journalLimit, ports, ...given } = options;
  const base = new Foundation<ScenarioRole>('scenario', {
    clock: mode,
    startTime,
    seed,
    journalLimit,
    ports,
  });
  const settings = settingsSchema.parse({ timeScale: mode === 'virtual' ? 1 : 0.002, ...given });
  const { clock, ids, ledger, files } = base;
  const toldOrigin = (role: keyof typeof PUBLIC_HOSTS): string =>
    settings.hosts === 'public' ? PUBLIC_HOSTS[role] : base.url(role);
  const answers = new Answers(settings, ids);
  const assets = new Assets({ settings, clock, ids, files, cdnOrigin: () => toldOrigin('cdn') });
  const uploads = new Uploads({
    settings,
    clock,
    ids,
    answers,
    assets,
    storageOrigin: () => toldOrigin('storage'),
  });
  const runs = new Runs<Job>(clock);
  const parts: ApiParts = { settings, clock, ids, ledger, answers, assets, runs, uploads };
  runs.onEnd = (job) => settleJob(parts, job);

  const cdn: RoleBehaviour<ParsedScenarioAction> = {
    classify: classifyCdn,
    handle: (exchange) => {
      noteKey(exchange);
      return assets.serve(exchange);
    },
  };
  const dialect = answers.dialect();
  const running = await base.open<ScenarioAction, ParsedScenarioAction>({
    roles: [
      ['api', { classify: classifyApi, handle: (exchange, actions) => handleApi(parts, exchange, actions) }],
      ['cdn', cdn],
      [
        'storage',
        {
          classify: (method) => ({ op: method === 'PUT' ? 'put-part' : 'unknown' }),
          handle: (exchange) => uploads.receive(exchange),
        },
      ],
      ['mirror', cdn],
      [
        'private',
        {
          classify: () => ({ op: 'reached' }),
          handle: (exchange) => {
            noteKey(exchange);
            return textReply(200, 'private');
          },
        },
      ],
    ],
    parseAction: (value) => scenarioActionSchema.parse(value),
    effectOf: (action) => {
      switch (action.type) {
        case 'job':
        case 'refusal':
        case 'upload':
        case 'asset':
          return {};
        case 'redirect':
          return action.to === 'mirror' || action.to === 'private'
            ? redirectKeepingPath(base.url(action.to))
            : effectOf(action, dialect);
        default:
          return effectOf(action, dialect);
      }
    },
    routes: controlRoutes({ settings, runs, assets, clock }),
    urls: () => urls,
    reset: () => {
      for (const part of [runs, assets, uploads]) part.clear();
    },
  });
  const urls: ScenarioEmulator['urls'] = {
    api: `${base.url('api')}/v1`,
    cdn: base.url('cdn'),
    storage: base.url('storage'),
    mirror: base.url('mirror'),
    private: base.url('private'),
    control: base.url('control'),
  };
  return { ...running, urls, settings, jobs: runs, assets, uploads };
}

function classifyCdn(method: string): Classified {
  return { op: method === 'GET' ? 'download' : method === 'HEAD' ? 'head' : 'unknown' };
}

function noteKey({ headers, entry }: Exchange): void {
  if (headers.authorization !== undefined) entry.warnings.push('credentials sent to another origin');
}
