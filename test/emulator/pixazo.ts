import { effectOf } from './common/actions.js';
import { refusal, serveFile } from './common/cdn.js';
import type { Exchange, Reply } from './common/exchange.js';
import { textReply } from './common/exchange.js';
import type { FoundationOptions, RoleBehaviour, Running } from './common/foundation.js';
import { Foundation, redirectKeepingPath } from './common/foundation.js';
import { Runs } from './common/runs.js';
import { pixazoDialect } from './pixazo/answers.js';
import { controlRoutes } from './pixazo/control-routes.js';
import type { GatewayParts } from './pixazo/gateway.js';
import { classifyGateway, handleGateway, KEY_HEADER, readStatus, settleJob } from './pixazo/gateway.js';
import type { Job } from './pixazo/job.js';
import type { ParsedPixazoAction, PixazoAction } from './pixazo/plan.js';
import { pixazoActionSchema } from './pixazo/plan.js';
import type { Settings, SettingsInput } from './pixazo/settings.js';
import { settingsSchema } from './pixazo/settings.js';
import { Webhooks } from './pixazo/webhooks.js';

export { PIXAZO_TEST_KEY } from './pixazo/settings.js';

/** `mirror` is a second CDN that would also answer as the gateway; nobody may reach `private`. */
export type PixazoRole = 'gateway' | 'cdn' | 'mirror' | 'private';

/** On real and faster clocks usual durations are shortened 500 times, see `timeScale`. */
export interface PixazoOptions extends SettingsInput, FoundationOptions<PixazoRole> {}

export interface PixazoEmulator extends Running<PixazoRole, PixazoAction, ParsedPixazoAction> {
  /** Origins without a slash at the end. */
  readonly urls: Record<PixazoRole | 'control', string>;
  readonly settings: Settings;
  readonly jobs: Runs<Job>;
  readonly webhooks: Webhooks;
}

const PUBLIC_HOSTS = {
  gateway: 'https://gateway.pixazo.ai',
  cdn: 'https://pub-582b7213209642b9b995c96c95a30381.r2.dev',
  mirror: 'https://gateway.pixazo.ai.evil.example',
} as const;

/**
 * Starts a Pixazo stand-in on loopback ports of its own: the gateway with submit and status, and a public bucket of
 * files (`cdn`, a second origin). There is no cancel, list, upload or price route: those paths are 404.
 *
 * Written from the provider's documents alone, never from a client or a model file, so that both can be wrong.
 *
 * ```ts
 * const pixazo = await startPixazoEmulator({ clock: 'virtual', times: 'iso' });
 * pixazo.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'error' } });
 * pixazo.fault({ match: { op: 'status' }, action: { type: 'redirect', to: 'mirror' } });
 * // … POST {pixazo.urls.gateway}/pixal3d/v1/pixal3d-request …
 * pixazo.clock.advance(120_000);
 * pixazo.ledger.entries(); // ERROR is free, FAILED is not
 * await pixazo.close();
 * ```
 */
export async function startPixazoEmulator(options: PixazoOptions = {}): Promise<PixazoEmulator> {
  const { clock: mode, startTime, seed, journalLimit, ports, ...given } = options;
  const base = new Foundation<PixazoRole>('pixazo', { clock: mode, startTime, seed, journalLimit, ports });
  const settings = settingsSchema.parse({ timeScale: mode === 'virtual' ? 1 : 0.002, ...given });
  const { clock, ids, ledger, files } = base;
  const runs = new Runs<Job>(clock);
  const webhooks = new Webhooks(settings, clock);
  const toldOrigin = (role: keyof typeof PUBLIC_HOSTS): string =>
    settings.hosts === 'public' ? PUBLIC_HOSTS[role] : base.url(role);
  const parts: GatewayParts = {
    settings,
    clock,
    ids,
    ledger,
    files,
    runs,
    webhooks,
    gatewayOrigin: () => toldOrigin('gateway'),
    cdnOrigin: () => toldOrigin('cdn'),
    foreignOrigin: () => toldOrigin('mirror'),
  };
  runs.onEnd = (job, time) => {
    settleJob(parts, job, time);
    void webhooks.finished(job);
  };

  const cdn: RoleBehaviour<ParsedPixazoAction> = {
    classify: classifyCdn,
    handle: (exchange) => serve(parts, exchange),
  };
  const dialect = pixazoDialect(settings);
  const running = await base.open<PixazoAction, ParsedPixazoAction>({
    roles: [
      [
        'gateway',
        {
          classify: classifyGateway,
          handle: (exchange, actions) => handleGateway(parts, exchange, actions),
        },
      ],
      ['cdn', cdn],
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
    parseAction: (value) => pixazoActionSchema.parse(value),
    effectOf: (action) => {
      if (action.type === 'job' || action.type === 'webhook' || action.type === 'refusal') return {};
      if (action.type === 'redirect' && (action.to === 'mirror' || action.to === 'private'))
        return redirectKeepingPath(base.url(action.to));
      return effectOf(action, dialect);
    },
    routes: controlRoutes({ settings, runs, webhooks, clock }),
    urls: () => urls,
    reset: () => {
      runs.clear();
      webhooks.clear();
    },
    close: () => webhooks.close(),
  });
  const urls: PixazoEmulator['urls'] = {
    gateway: base.url('gateway'),
    cdn: base.url('cdn'),
    mirror: base.url('mirror'),
    private: base.url('private'),
    control: base.url('control'),
  };
  return { ...running, urls, settings, jobs: runs, webhooks };
}

function classifyCdn(method: string, path: string): ReturnType<typeof classifyGateway> {
  const asGateway = classifyGateway(method, path);
  if (asGateway.op !== 'unknown') return asGateway;
  return { op: method === 'GET' ? 'download' : method === 'HEAD' ? 'head' : 'unknown' };
}

/** Files; and the status too, to whoever was lured here: a client that asks must not be saved by a 404. */
function serve(parts: GatewayParts, exchange: Exchange): Reply {
  noteKey(exchange);
  if (exchange.op === 'status' || exchange.op === 'result') return readStatus(parts, exchange);
  if (exchange.op !== 'download' && exchange.op !== 'head') return refusal(404, 'html');
  return serveFile(exchange, parts.files.get(exchange.path));
}

function noteKey({ headers, entry }: Exchange): void {
  if (headers[KEY_HEADER] !== undefined || headers.authorization !== undefined)
    entry.warnings.push('credentials sent to another origin');
}
