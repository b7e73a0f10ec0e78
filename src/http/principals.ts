import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { type Config, withoutKeys } from '../config.js';
import { MeshwrightError, messageOf, systemCode } from '../errors.js';
import { nearest } from '../nearest.js';
import { keepSecret, type Log } from '../log.js';
import { LOCAL_PRINCIPAL } from '../open.js';

/**
 * Who may call over HTTP: the entries of the token file (`MESHWRIGHT_TOKENS`), each with the caps and provider keys
 * of its own that it names. The file is read again when it changes; one that is broken leaves the last good one in
 * force, so that a slip of the pen locks nobody out.
 */

export interface Principal {
  name: string;
  /** The server's settings with what is the principal's own. */
  config: Config;
  /** Whether it sees the figures of all. */
  mayReadMetrics: boolean;
}

/** What is said of a value of another kind, or of none. */
function must(be: string): { error: (issue: { input?: unknown }) => string } {
  return { error: ({ input }) => (input === undefined ? `is missing; it must be ${be}` : `must be ${be}`) };
}

const key = z.string(must('a text')).trim().min(1, 'must not be empty');
const usd = z.number(must('a number of dollars, 0 or more')).min(0, must('a number of dollars, 0 or more'));

const ownKeysSchema = z.strictObject(
  {
    FAL_KEY: key.optional(),
    PIXAZO_API_KEY: key.optional(),
    SCENARIO_SDK_API_KEY: key.optional(),
    SCENARIO_SDK_API_SECRET: key.optional(),
  },
  must('an object of keys'),
);

const entryShape = {
  name: z
    .string(must('a text'))
    .regex(/^[\w.@-]{1,64}$/, 'a name has letters, digits, "_", "-", "." and "@", 64 at most')
    .refine((name) => name !== LOCAL_PRINCIPAL, `"${LOCAL_PRINCIPAL}" is whoever uses this machine`),
  token_sha256: z
    .string(must('64 hex digits, the SHA-256 of the token'))
    .toLowerCase()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits, the SHA-256 of the token'),
  max_usd_per_job: usd.optional(),
  max_usd_per_day: usd.optional(),
  metrics: z.boolean(must('true or false')).optional(),
  keys: ownKeysSchema.optional(),
};
const entrySchema = z.strictObject(entryShape, must('an object with name and token_sha256'));

export const tokenFileSchema = z.strictObject(
  { principals: z.array(entrySchema, must('a list')) },
  must('an object with a list of principals'),
);

/** The names that may stand in a token file, by how deep they stand in it. */
const NAMES = new Map([
  [0, { place: 'the file itself', names: Object.keys(tokenFileSchema.shape) }],
  [2, { place: 'an entry of principals', names: Object.keys(entrySchema.shape) }],
  [3, { place: 'the keys of an entry', names: Object.keys(ownKeysSchema.shape) }],
]);

export type TokenFile = z.infer<typeof tokenFileSchema>;
type Entry = TokenFile['principals'][number];

/** A change of the file is seen within this time by who calls, and otherwise within the second one. */
const LOOK_EVERY_MS = 1_000;
const WATCH_EVERY_MS = 5_000;
const MAX_FILE_BYTES = 1024 * 1024;

export class Principals {
  readonly #config: Config;
  readonly #log: Log;
  readonly #file: string | undefined;
  #entries: readonly { principal: Principal; hash: Buffer }[] = [];
  readonly #configs = new Map<string, Config>();
  #version = '';
  #lookedAt = 0;
  #looking: Promise<void> | undefined;
  #onGone: (name: string) => void = () => undefined;

  private constructor(config: Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#file = config.tokens;
  }

  /** @throws MeshwrightError `configuration` when the file cannot be used */
  static async open(config: Config, log: Log): Promise<Principals> {
    const principals = new Principals(config, log);
    if (principals.#file !== undefined) await principals.#read(principals.#file);
    return principals;
  }

  /** Whether callers must say who they are by a token of the file. */
  get areNamed(): boolean {
    return this.#file !== undefined;
  }

  /** Whether the file lets anybody in. */
  get areThere(): boolean {
    return this.#entries.length > 0;
  }

  /**
   * Tells who was taken out of the file, or got another token: what is open for them has to end.
   *
   * @returns how to stop
   */
  watch(onGone: (name: string) => void): () => void {
    this.#onGone = onGone;
    if (this.#file === undefined) return () => undefined;
    const watching = setInterval(() => void this.#look(), WATCH_EVERY_MS).unref();
    return () => clearInterval(watching);
  }

  async byToken(token: string): Promise<Principal | undefined> {
    await this.#look();
    const hash = createHash('sha256').update(token).digest();
    // All are compared, so that the time tells nothing of which one it was.
    let found: Principal | undefined;
    for (const entry of this.#entries) if (timingSafeEqual(entry.hash, hash)) found = entry.principal;
    return found;
  }

  /**
   * The settings of a principal of a job. One that is no longer in the file keeps its jobs but has no keys: they
   * wait until it is back, since to ask with somebody else's key would be taken for "no such job".
   */
  configOf(name: string): Config {
    if (name === LOCAL_PRINCIPAL || name.includes(':')) return this.#config;
    const known = this.#configs.get(name);
    if (known) return known;
    const without = withoutKeys(this.#config);
    this.#configs.set(name, without);
    return without;
  }

  /** Whether the links of a principal still open anything: not when it was taken out of the file. */
  async mayUseLinks(name: string): Promise<boolean> {
    // Of those whom an authorization server lets in nobody tells us when they are gone; their links end by themselves.
    if (this.#file === undefined || name === LOCAL_PRINCIPAL || name.includes(':')) return true;
    await this.#look();
    return this.#entries.some(({ principal }) => principal.name === name);
  }

  async #look(): Promise<void> {
    if (this.#file === undefined || Date.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#looking ??= this.#reread(this.#file).finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #reread(file: string): Promise<void> {
    this.#lookedAt = Date.now();
    try {
      if ((await versionOf(file)) !== this.#version) await this.#read(file);
    } catch (error) {
      this.#log.error('the token file cannot be used; the last good one stays in force', {
        error: messageOf(error),
      });
    }
  }

  async #read(file: string): Promise<void> {
    const version = await versionOf(file);
    // A broken file is told of once, not once a second.
    this.#version = version;
    const { principals } = await readTokenFile(file);
    const configs = new Map(principals.map((entry) => [entry.name, configFor(this.#config, entry)]));
    this.#configs.clear();
    for (const [name, config] of configs) this.#configs.set(name, config);
    const before = this.#entries;
    this.#entries = principals.map((entry) => ({
      principal: {
        name: entry.name,
        config: configs.get(entry.name) ?? this.#config,
        mayReadMetrics: entry.metrics ?? false,
      },
      hash: Buffer.from(entry.token_sha256, 'hex'),
    }));
    for (const { principal, hash } of before) {
      const stays = ({ principal: { name }, hash: now }: (typeof before)[number]): boolean =>
        name === principal.name && now.equals(hash);
      if (!this.#entries.some(stays)) this.#onGone(principal.name);
    }
    this.#log.info('principals', { names: principals.map(({ name }) => name).join(', ') });
  }
}

async function versionOf(file: string): Promise<string> {
  const found = await stat(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  return `${found.mtimeMs} ${found.size} ${found.ino}`;
}

/** The token file that the commands keep: the one that is set, or else one in the data folder. */
export function tokenFileOf({ tokens, dataDir }: Config): string {
  return tokens ?? path.join(dataDir, 'tokens.json');
}

/** @throws MeshwrightError `configuration` with a sentence that names what is wrong */
export async function readTokenFile(file: string): Promise<TokenFile> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(file, error);
  });
  if (text.length > MAX_FILE_BYTES) throw unusable(file, 'it is larger than 1 MiB');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Not the parser's words: they quote the file.
    throw unusable(file, 'it is no JSON');
  }
  const parsed = tokenFileSchema.safeParse(json);
  if (!parsed.success) {
    throw unusable(file, inWords(parsed.error));
  }
  const { principals } = parsed.data;
  const twice = (values: string[]): string | undefined =>
    values.find((value, index) => values.indexOf(value) !== index);
  const name = twice(principals.map((entry) => entry.name));
  if (name !== undefined) throw unusable(file, `two principals are called ${name}`);
  if (twice(principals.map((entry) => entry.token_sha256)) !== undefined) {
    throw unusable(file, 'two principals have the same token');
  }
  for (const { name: who, keys } of principals) {
    if ((keys?.SCENARIO_SDK_API_KEY === undefined) !== (keys?.SCENARIO_SDK_API_SECRET === undefined)) {
      throw unusable(file, `the keys of ${who} need both SCENARIO_SDK_API_KEY and SCENARIO_SDK_API_SECRET`);
    }
  }
  return parsed.data;
}

/** The first fault of a token file: where it is, and the name that was meant where one is unknown. */
function inWords({ issues }: z.ZodError): string {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (!issue) return 'it is not as it should be';
  const place = issue.path.join('.') || 'the file';
  if (issue.code !== 'unrecognized_keys') return `${place}: ${issue.message}`;
  const unknown = issue.keys.join(', ');
  const [first = ''] = issue.keys;
  const elsewhere = [...NAMES.values()].find(({ names }) => names.includes(first));
  if (elsewhere) return `${place}: ${first} is out of place; it belongs into ${elsewhere.place}`;
  const names = NAMES.get(issue.path.length)?.names ?? [];
  // Mostly a part of the name: `token` is nearer to `keys` by its letters.
  const whole = first.length < 3 ? undefined : names.find((known) => known.includes(first));
  const near = whole ?? nearest(first, names, (known) => [known]) ?? '';
  const meaning =
    near === 'token_sha256' ? ', the SHA-256 of the token (`meshwright token add NAME` writes it)' : '';
  return `${place}: there is no ${unknown}; the nearest is ${near}${meaning}`;
}

function unusable(file: string, why: string): MeshwrightError {
  return new MeshwrightError(
    'configuration',
    `The token file ${file} (MESHWRIGHT_TOKENS) cannot be used: ${why}. Correct it, or move it away: \`meshwright token add NAME\` then begins a new one.`,
  );
}

function unreadable(file: string, error: unknown): MeshwrightError {
  return new MeshwrightError(
    'configuration',
    systemCode(error) === 'ENOENT'
      ? `There is no token file ${file} (MESHWRIGHT_TOKENS). \`meshwright token add NAME --tokens FILE\` makes it; correct the name if it is another.`
      : `The token file ${file} (MESHWRIGHT_TOKENS) cannot be read: ${messageOf(error)}. It must be a file that the server's user may read.`,
  );
}

/** Keys of its own replace all of the server's, or a job would be paid for by somebody else. */
function configFor(
  config: Config,
  { keys, max_usd_per_job: perJob, max_usd_per_day: perDay }: Entry,
): Config {
  const own = keys && Object.values(keys).some((value) => value !== undefined);
  if (own) {
    keepSecret(keys.FAL_KEY, keys.PIXAZO_API_KEY, keys.SCENARIO_SDK_API_KEY, keys.SCENARIO_SDK_API_SECRET);
  }
  return {
    ...config,
    ...(own
      ? {
          falKey: keys.FAL_KEY,
          pixazoKey: keys.PIXAZO_API_KEY,
          scenarioKey: keys.SCENARIO_SDK_API_KEY,
          scenarioSecret: keys.SCENARIO_SDK_API_SECRET,
        }
      : {}),
    ...(perJob === undefined ? {} : { maxUsdPerJob: perJob }),
    ...(perDay === undefined ? {} : { maxUsdPerDay: perDay }),
  };
}
