import os from 'node:os';
import path from 'node:path';
import {
  expandHome,
  listOf,
  readBaseUrl,
  readHosts,
  readKey,
  readNumber,
  readOrigins,
  readPublicUrl,
} from './config-values.js';
import { MeshwrightError } from './errors.js';
import { nearest } from './nearest.js';

/**
 * Everything that can be set, read once at the start. The only file that looks at the environment. A bad value
 * or an unknown `MESHWRIGHT_*` name stops the start with one sentence that names it.
 */

/** The services that run models; `local` is the built-in generator. */
export const PROVIDER_IDS = ['fal', 'pixazo', 'scenario', 'local'] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

export function isProviderId(value: unknown): value is ProviderId {
  return PROVIDER_IDS.some((id) => id === value);
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface Config {
  falKey: string | undefined;
  pixazoKey: string | undefined;
  scenarioKey: string | undefined;
  scenarioSecret: string | undefined;
  dataDir: string;
  falQueueUrl: string;
  falRestUrl: string;
  pixazoUrl: string;
  scenarioUrl: string;
  allowHosts: string[];
  allowedDirs: string[];
  tools: string[];
  waitSeconds: number;
  pollMs: number | undefined;
  dedupeSeconds: number;
  maxUsdPerJob: number | undefined;
  maxUsdPerDay: number | undefined;
  /** `undefined` when it is not set, infinite for `never`. */
  askUsd: number | undefined;
  prices: string | undefined;
  tokens: string | undefined;
  linkSeconds: number;
  publicUrl: string | undefined;
  allowOrigins: string[];
  oauthIssuer: string | undefined;
  oauthAudience: string | undefined;
  oauthJwksUrl: string | undefined;
  oauthScope: string | undefined;
  log: LogLevel;
}

export interface Setting {
  /** Name in the environment. */
  name: string;
  key: keyof Config;
  help: string;
  /** Shown in help texts. */
  default?: string;
  /** Read from the environment only: command lines are visible to other users of the machine. */
  secret?: true;
  /** Turns the text into the value; throws an `Error` whose message completes "NAME …". */
  read: (text: string) => unknown;
}

/** What may come after the name of a variable, in the order of the documentation. */
export const SETTINGS: readonly Setting[] = [
  { name: 'FAL_KEY', key: 'falKey', help: 'key of fal.ai (`id:secret`)', secret: true, read: readKey },
  { name: 'PIXAZO_API_KEY', key: 'pixazoKey', help: 'key of Pixazo', secret: true, read: readKey },
  { name: 'SCENARIO_SDK_API_KEY', key: 'scenarioKey', help: 'key of Scenario', secret: true, read: readKey },
  {
    name: 'SCENARIO_SDK_API_SECRET',
    key: 'scenarioSecret',
    help: 'secret of Scenario',
    secret: true,
    read: readKey,
  },
  {
    name: 'MESHWRIGHT_DATA_DIR',
    key: 'dataDir',
    help: 'folder of jobs and assets',
    default: "the platform's data folder",
    read: (text) => path.resolve(expandHome(text)),
  },
  {
    name: 'MESHWRIGHT_FAL_QUEUE_URL',
    key: 'falQueueUrl',
    help: 'base URL of the fal queue',
    default: 'https://queue.fal.run',
    read: readBaseUrl,
  },
  {
    name: 'MESHWRIGHT_FAL_REST_URL',
    key: 'falRestUrl',
    help: 'base URL of fal storage',
    default: 'https://rest.fal.ai',
    read: readBaseUrl,
  },
  {
    name: 'MESHWRIGHT_PIXAZO_URL',
    key: 'pixazoUrl',
    help: 'base URL of Pixazo',
    default: 'https://gateway.pixazo.ai',
    read: readBaseUrl,
  },
  {
    name: 'MESHWRIGHT_SCENARIO_URL',
    key: 'scenarioUrl',
    help: 'base URL of Scenario',
    default: 'https://api.cloud.scenario.com/v1',
    read: readBaseUrl,
  },
  {
    name: 'MESHWRIGHT_ALLOW_HOSTS',
    key: 'allowHosts',
    help: 'comma-separated `host[:port]` that may be fetched from although private or not https',
    default: 'none',
    read: readHosts,
  },
  {
    name: 'MESHWRIGHT_ALLOWED_DIRS',
    key: 'allowedDirs',
    help: 'folders, separated by commas, where images may be read and files saved',
    default: 'working folder, home folder without hidden folders, temporary folder',
    read: (text) =>
      listOf(text, text.includes(',') ? ',' : path.delimiter).map((part) => path.resolve(expandHome(part))),
  },
  {
    name: 'MESHWRIGHT_TOOLS',
    key: 'tools',
    help: 'which tools to show: names or groups (`models`, `jobs`, `assets`), comma-separated',
    default: 'all',
    read: (text) => listOf(text),
  },
  {
    name: 'MESHWRIGHT_WAIT_SECONDS',
    key: 'waitSeconds',
    help: 'how long a model tool waits before it hands out the job instead',
    default: '45',
    read: (text) => readNumber(text, 0, 600),
  },
  {
    name: 'MESHWRIGHT_POLL_MS',
    key: 'pollMs',
    help: 'fixed poll interval, for tests',
    default: 'adaptive',
    read: (text) => readNumber(text, 1, 600_000),
  },
  {
    name: 'MESHWRIGHT_DEDUPE_SECONDS',
    key: 'dedupeSeconds',
    help: 'window in which an identical call returns the existing job',
    default: '600',
    read: (text) => readNumber(text, 0, 31_536_000),
  },
  {
    name: 'MESHWRIGHT_MAX_USD_PER_JOB',
    key: 'maxUsdPerJob',
    help: 'spending cap of one job; refuses before submit',
    default: 'none',
    read: (text) => readNumber(text, 0, 1_000_000),
  },
  {
    name: 'MESHWRIGHT_MAX_USD_PER_DAY',
    key: 'maxUsdPerDay',
    help: 'spending cap of a day (UTC); refuses before submit',
    default: 'none',
    read: (text) => readNumber(text, 0, 1_000_000),
  },
  {
    name: 'MESHWRIGHT_ASK_USD',
    key: 'askUsd',
    help: 'a job that costs more asks the user first, where the client can ask; once this is set, also one of unknown price; 0 asks for all, `never` for none',
    default: '1',
    read: (text) => (text === 'never' ? Infinity : readNumber(text, 0, 1_000_000, ' or never')),
  },
  {
    name: 'MESHWRIGHT_PRICES',
    key: 'prices',
    help: 'a JSON file of your own prices of a job, which come before ours: `{"prices": [{"provider": "fal", "model": "fal-ai/trellis", "usd": 0.02}]}`',
    default: 'none',
    read: (text) => path.resolve(expandHome(text)),
  },
  {
    name: 'MESHWRIGHT_TOKENS',
    key: 'tokens',
    help: 'a JSON file of HTTP principals',
    default: 'none',
    read: (text) => path.resolve(expandHome(text)),
  },
  {
    name: 'MESHWRIGHT_LINK_SECONDS',
    key: 'linkSeconds',
    help: 'life of a signed file link',
    default: '3600',
    read: (text) => readNumber(text, 1, 31_536_000),
  },
  {
    name: 'MESHWRIGHT_PUBLIC_URL',
    key: 'publicUrl',
    help: 'how the HTTP server is reached from outside',
    default: 'none',
    read: readPublicUrl,
  },
  {
    name: 'MESHWRIGHT_ALLOW_ORIGINS',
    key: 'allowOrigins',
    help: 'comma-separated origins (`https://app.example`) whose pages may call the HTTP server',
    default: 'none',
    read: readOrigins,
  },
  {
    name: 'MESHWRIGHT_OAUTH_ISSUER',
    key: 'oauthIssuer',
    help: 'authorization server whose access tokens the HTTP server takes (its issuer URL)',
    default: 'none',
    read: (text) => {
      readBaseUrl(text);
      return text;
    },
  },
  {
    name: 'MESHWRIGHT_OAUTH_AUDIENCE',
    key: 'oauthAudience',
    help: 'what `aud` of such a token must name',
    default: '`MESHWRIGHT_PUBLIC_URL`/mcp',
    read: (text) => text,
  },
  {
    name: 'MESHWRIGHT_OAUTH_JWKS_URL',
    key: 'oauthJwksUrl',
    help: "the issuer's keys",
    default: "from the issuer's metadata",
    read: readBaseUrl,
  },
  {
    name: 'MESHWRIGHT_OAUTH_SCOPE',
    key: 'oauthScope',
    help: 'what such a token must grant',
    default: 'nothing',
    read: (text) => {
      if (/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)) return text;
      throw new Error('must be one scope');
    },
  },
  {
    name: 'MESHWRIGHT_LOG',
    key: 'log',
    help: 'error, warn, info or debug: JSON lines on stderr, secrets and signed URLs masked',
    default: 'info',
    read: (text) => {
      if (text === 'error' || text === 'warn' || text === 'info' || text === 'debug') return text;
      throw new Error('must be error, warn, info or debug');
    },
  },
];

/** What a provider is reached with; one that is absent does not exist under this configuration. */
export interface Credentials {
  fal?: { key: string };
  pixazo?: { key: string };
  scenario?: { key: string; secret: string };
  /** Needs none. */
  local: object;
}

export function credentialsOf({
  falKey,
  pixazoKey,
  scenarioKey,
  scenarioSecret,
}: Pick<Config, 'falKey' | 'pixazoKey' | 'scenarioKey' | 'scenarioSecret'>): Credentials {
  return {
    ...(falKey === undefined ? {} : { fal: { key: falKey } }),
    ...(pixazoKey === undefined ? {} : { pixazo: { key: pixazoKey } }),
    ...(scenarioKey === undefined || scenarioSecret === undefined
      ? {}
      : { scenario: { key: scenarioKey, secret: scenarioSecret } }),
    local: {},
  };
}

/** The same settings for somebody for whom no provider is paid. */
export function withoutKeys(config: Config): Config {
  return {
    ...config,
    falKey: undefined,
    pixazoKey: undefined,
    scenarioKey: undefined,
    scenarioSecret: undefined,
  };
}

/** The variables that make a provider exist. */
export const KEY_NAMES: Readonly<Record<ProviderId, string>> = {
  fal: 'FAL_KEY',
  pixazo: 'PIXAZO_API_KEY',
  scenario: 'SCENARIO_SDK_API_KEY and SCENARIO_SDK_API_SECRET',
  local: '',
};

/** `MESHWRIGHT_DATA_DIR` → `--data-dir`; what a secret would be called is refused by the command line. */
export function flagOf(setting: Setting): string {
  return `--${setting.name
    .replace(/^MESHWRIGHT_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`;
}

let taken: NodeJS.ProcessEnv | undefined;

/**
 * The environment of this process as it was at the start; the one place where it is read. Keys are taken out of it:
 * what stays there gets into crash reports and to every process that is started from here.
 */
export function environment(): NodeJS.ProcessEnv {
  taken ??= { ...process.env };
  for (const { name, secret } of SETTINGS) if (secret) delete process.env[name];
  return taken;
}

/**
 * @param env usually `environment()`
 * @param flags values given on the command line by variable name; they win over the environment
 * @throws MeshwrightError `configuration` with a sentence that names the variable
 */
export function loadConfig(
  env: NodeJS.ProcessEnv,
  flags: { [name: string]: string | undefined } = {},
): Config {
  const known = new Set(SETTINGS.map((setting) => setting.name));
  for (const name of Object.keys(env)) {
    if (name.startsWith('MESHWRIGHT_') && !known.has(name)) {
      const near = meantBy(name);
      throw configuration(
        `${name} is not a setting of meshwright${near ? `; did you mean ${near.name}?` : '; `meshwright --help` lists them all.'}`,
      );
    }
  }
  const config = defaults(env);
  for (const setting of SETTINGS) {
    const text = (flags[setting.name] ?? env[setting.name])?.trim();
    if (text === undefined) continue;
    // An empty list of folders opens none; any other empty value is as good as unset.
    if (text === '' && setting.key !== 'allowedDirs') continue;
    try {
      Object.assign(config, { [setting.key]: setting.read(text) });
    } catch (error) {
      const why = error instanceof Error ? error.message : 'cannot be read';
      // A value may hold a password that belongs nowhere.
      const shown = setting.secret || text.includes('@') ? '' : `, not "${text.slice(0, 80)}"`;
      throw configuration(`${setting.name} ${why}${shown}.`);
    }
  }
  if ((config.scenarioKey === undefined) !== (config.scenarioSecret === undefined)) {
    throw configuration(
      'SCENARIO_SDK_API_KEY and SCENARIO_SDK_API_SECRET belong together: set both or none.',
    );
  }
  return config;
}

/** The setting whose name was misspelt, if it was: two letters, or one in four of a long one, may be other. */
function meantBy(name: string): Setting | undefined {
  const bare = (text: string): string => text.replace(/^MESHWRIGHT_/, '').replaceAll('_', '');
  const slips = Math.max(2, Math.floor(bare(name).length / 4));
  return nearest(bare(name), SETTINGS, (setting) => [bare(setting.name)], slips);
}

function defaults(env: NodeJS.ProcessEnv): Config {
  return {
    falKey: undefined,
    pixazoKey: undefined,
    scenarioKey: undefined,
    scenarioSecret: undefined,
    dataDir: platformDataDir(env),
    falQueueUrl: 'https://queue.fal.run',
    falRestUrl: 'https://rest.fal.ai',
    pixazoUrl: 'https://gateway.pixazo.ai',
    scenarioUrl: 'https://api.cloud.scenario.com/v1',
    allowHosts: [],
    allowedDirs: defaultFolders(),
    tools: ['all'],
    waitSeconds: 45,
    pollMs: undefined,
    dedupeSeconds: 600,
    maxUsdPerJob: undefined,
    maxUsdPerDay: undefined,
    askUsd: undefined,
    prices: undefined,
    tokens: undefined,
    linkSeconds: 3600,
    publicUrl: undefined,
    allowOrigins: [],
    oauthIssuer: undefined,
    oauthAudience: undefined,
    oauthJwksUrl: undefined,
    oauthScope: undefined,
    log: 'info',
  };
}

/** Some clients start servers in the root folder; that would open everything. */
function defaultFolders(): string[] {
  const working = process.cwd();
  const folders = [os.homedir(), os.tmpdir()];
  return path.parse(working).root === working ? folders : [working, ...folders];
}

function platformDataDir(env: NodeJS.ProcessEnv): string {
  const home = os.homedir();
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'meshwright');
  if (process.platform === 'win32') {
    return path.join(env['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'meshwright');
  }
  const xdg = env['XDG_DATA_HOME'];
  return path.join(xdg && path.isAbsolute(xdg) ? xdg : path.join(home, '.local', 'share'), 'meshwright');
}

function configuration(message: string): MeshwrightError {
  return new MeshwrightError('configuration', message);
}
