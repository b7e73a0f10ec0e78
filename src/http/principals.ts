import { createHash, timingSafeEqual } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type Config, withoutKeys } from '../config.js';
import { messageOf } from '../errors.js';
import { keepSecret, type Log } from '../log.js';
import { LOCAL_PRINCIPAL } from '../open.js';
import { readTokenFile, type TokenEntry, unreadable } from './token-file.js';

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

/** A change of the file is seen within this time by who calls, and otherwise within the second one. */
const LOOK_EVERY_MS = 1_000;
const WATCH_EVERY_MS = 5_000;

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

/** Keys of its own replace all of the server's, or a job would be paid for by somebody else. */
function configFor(
  config: Config,
  { keys, max_usd_per_job: perJob, max_usd_per_day: perDay }: TokenEntry,
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
