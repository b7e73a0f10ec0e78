import { effectOf } from './common/actions.js';
import { FileStore } from './common/cdn.js';
import type { Clock, ClockMode } from './common/clock.js';
import { createClock } from './common/clock.js';
import type { ControlServer } from './common/control.js';
import { startControl } from './common/control.js';
import type { Exchange, Reply } from './common/exchange.js';
import { textReply } from './common/exchange.js';
import type { FaultRule, PlacedFault } from './common/faults.js';
import { FaultBook } from './common/faults.js';
import { Identifiers } from './common/identifiers.js';
import { Journal } from './common/journal.js';
import { Ledger } from './common/ledger.js';
import { refuseInProduction } from './common/production.js';
import type { Classified, RoleServer } from './common/role-server.js';
import { startRole } from './common/role-server.js';
import { falDialect } from './fal/answers.js';
import { JobBoard } from './fal/board.js';
import { controlRoutes } from './fal/control-routes.js';
import type { FalAction, ParsedFalAction } from './fal/plan.js';
import { falActionSchema } from './fal/plan.js';
import { classifyPlatform, handlePlatform } from './fal/platform.js';
import { handleQueue } from './fal/queue.js';
import type { Settings, SettingsInput } from './fal/settings.js';
import { settingsSchema } from './fal/settings.js';
import { classifyCdn, classifyStorage, Storage } from './fal/storage.js';
import { classifyQueue } from './fal/urls.js';
import { Webhooks } from './fal/webhooks.js';

/** The key that every new emulator knows. */
export const FAL_TEST_KEY = 'emulator-key-id:emulator-key-secret';

export type FalRole = 'queue' | 'rest' | 'api' | 'cdn' | 'mirror' | 'private';

export interface FalOptions extends SettingsInput {
  /** Default real time. On real and faster clocks usual durations are shortened 500 times, see `timeScale`. */
  clock?: ClockMode;
  /** Milliseconds since 1970. */
  startTime?: number;
  /** What ids, file tokens and seeds are derived from. */
  seed?: string;
  /** Requests that the journal keeps; 0 keeps counts only. Default 10,000. */
  journalLimit?: number;
  ports?: Partial<Record<FalRole | 'control', number>>;
}

export interface FalEmulator {
  /** Origins without a slash at the end. `mirror` and `private` are where redirects lead. */
  readonly urls: Record<FalRole | 'control', string>;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly settings: Settings;
  readonly jobs: JobBoard;
  readonly files: FileStore;
  readonly storage: Storage;
  readonly webhooks: Webhooks;
  readonly faults: FaultBook<ParsedFalAction>;
  fault(rule: FaultRule<FalAction>): PlacedFault<ParsedFalAction>;
  down(role: FalRole): Promise<void>;
  up(role: FalRole): Promise<void>;
  /** Forgets jobs, files, faults, journal and ledger; keys, settings and time stay. */
  reset(): void;
  close(): Promise<void>;
}

const PUBLIC_HOSTS = {
  queue: 'https://queue.fal.run',
  rest: 'https://rest.fal.ai',
  api: 'https://api.fal.ai',
  cdn: 'https://v3b.fal.media',
} as const;

/**
 * Starts a fal.ai stand-in on loopback ports of its own: the queue, storage control and key set (`rest`), the
 * files (`cdn`, a second origin) and the platform's catalogue (`api`).
 *
 * Written from the provider's documents alone, never from a client or a model file, so that both can be wrong.
 *
 * ```ts
 * const fal = await startFalEmulator({ clock: 'virtual' });
 * fal.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'content-policy' } });
 * fal.fault({ match: { op: 'status' }, nth: 2, times: 3, action: { type: 'auth', kind: 'locked' } });
 * // … submit to fal.urls.queue …
 * fal.clock.advance(60_000);
 * fal.ledger.entries(); // what was accepted, and what it cost
 * await fal.close();
 * ```
 */
export async function startFalEmulator(options: FalOptions = {}): Promise<FalEmulator> {
  refuseInProduction('fal');
  const {
    clock: mode = 'real',
    startTime,
    seed = 'fal',
    journalLimit = 10_000,
    ports = {},
    ...given
  } = options;
  const settings = settingsSchema.parse({ timeScale: mode === 'virtual' ? 1 : 0.002, ...given });
  const clock = createClock(mode, startTime);
  const ids = new Identifiers(seed);
  const journal = new Journal(journalLimit);
  const ledger = new Ledger();
  const faults = new FaultBook<ParsedFalAction>();
  const files = new FileStore(clock.now);
  const servers = new Map<FalRole, RoleServer>();

  const urlOf = (role: FalRole): string => servers.get(role)?.url ?? '';
  const toldOrigin = (role: 'queue' | 'cdn'): string =>
    settings.hosts === 'public' ? PUBLIC_HOSTS[role] : urlOf(role);
  const cdnOrigin = (): string => toldOrigin('cdn');
  const cdnOrigins = (): string[] => [urlOf('cdn'), PUBLIC_HOSTS.cdn, urlOf('mirror')];

  const board = new JobBoard({ settings, clock, ids, files, cdnOrigin, cdnOrigins });
  const webhooks = new Webhooks({ settings, clock, ids });
  const storage = new Storage({ settings, clock, ids, files, cdnOrigin, keySet: () => webhooks.keySet() });
  board.onDone = (job) => {
    if (job.webhook && !job.webhook.plan.early) void webhooks.deliver(job);
  };
  const queueParts = {
    settings,
    clock,
    ids,
    ledger,
    board,
    origin: () => toldOrigin('queue'),
    deliverEarly: webhooks.deliver.bind(webhooks),
  };
  const dialect = falDialect((to) =>
    to === 'mirror' || to === 'private' ? `${urlOf(to)}/redirected.glb` : to,
  );

  const roles: Record<FalRole, RoleBehaviour> = {
    queue: {
      classify: (method, path) => classifyQueue(board, method, path),
      handle: (exchange, actions) => handleQueue(queueParts, exchange, actions),
    },
    rest: { classify: classifyStorage, handle: (exchange) => storage.handleRest(exchange) },
    api: {
      classify: classifyPlatform,
      handle: (exchange) => handlePlatform({ settings, board, ledger }, exchange),
    },
    cdn: { classify: classifyCdn, handle: (exchange) => storage.handleCdn(exchange) },
    mirror: { classify: classifyCdn, handle: (exchange) => storage.handleCdn(exchange) },
    // Whoever gets here followed a redirect to an address that nobody allowed.
    private: { classify: () => ({ op: 'reached' }), handle: () => textReply(200, 'private') },
  };
  for (const role of ROLES) {
    const started = await startRole<ParsedFalAction>({
      role,
      port: ports[role],
      journal,
      faults,
      now: clock.now,
      settle: clock.settle,
      ...roles[role],
      effectOf: (action) =>
        action.type === 'job' || action.type === 'webhook' ? {} : effectOf(action, dialect),
    });
    servers.set(role, started);
  }

  function reset(): void {
    for (const part of [board, storage, files, faults, journal, ledger]) part.clear();
    webhooks.attempts.length = 0;
  }
  const parseAction = (value: unknown): ParsedFalAction => falActionSchema.parse(value);
  const control: ControlServer = await startControl(
    {
      name: 'fal',
      clock,
      journal,
      ledger,
      faults,
      parseAction,
      servers: [...servers.values()],
      reset,
      urls: () => urls,
      routes: controlRoutes({ settings, board, webhooks, clock }),
    },
    ports.control,
  );
  const urls: FalEmulator['urls'] = {
    queue: urlOf('queue'),
    rest: urlOf('rest'),
    api: urlOf('api'),
    cdn: urlOf('cdn'),
    mirror: urlOf('mirror'),
    private: urlOf('private'),
    control: control.url,
  };
  return {
    urls,
    clock,
    journal,
    ledger,
    settings,
    jobs: board,
    files,
    storage,
    webhooks,
    faults,
    fault: (rule) => faults.place({ ...rule, action: parseAction(rule.action) }),
    down: async (role) => servers.get(role)?.down(),
    up: async (role) => servers.get(role)?.up(),
    reset,
    async close() {
      clock.stop();
      webhooks.close();
      await Promise.all([control.close(), ...[...servers.values()].map((server) => server.close())]);
    },
  };
}

interface RoleBehaviour {
  classify(method: string, path: string): Classified;
  handle(exchange: Exchange, actions: ParsedFalAction[]): Reply | Promise<Reply>;
}

const ROLES: readonly FalRole[] = ['queue', 'rest', 'api', 'cdn', 'mirror', 'private'];
