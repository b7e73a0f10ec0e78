import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { MeshwrightError, messageOf, systemCode } from '../errors.js';
import { readTokenFile, type TokenFile, tokenFileOf, tokenFileSchema } from '../http/token-file.js';
import { makeFolder } from '../store/folder.js';
import { storageError } from '../store/trouble.js';
import { configFrom } from './settings.js';
import { formatUsd, note, plain, print, printJson, table } from './text.js';

/** `meshwright token`: the principals of the HTTP server. A token is shown once; the file holds its hash. */

const TOKEN_BYTES = 32;

interface Caps {
  maxUsdPerJob?: string;
  maxUsdPerDay?: string;
  metrics?: boolean;
}

/** @returns the exit code */
export async function addToken(command: Command, name: string): Promise<number> {
  const given = command.optsWithGlobals<Caps & { json?: boolean }>();
  const { place, content } = await load(command);
  const { file } = place;
  if (content.principals.some((one) => one.name === name)) {
    throw new MeshwrightError(
      'conflict',
      `There is a principal ${name} already; \`meshwright token remove ${plain(name)}\` takes its token away first.`,
    );
  }
  const token = `mw_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  const entry = {
    name,
    token_sha256: createHash('sha256').update(token).digest('hex'),
    ...cap('max_usd_per_job', given.maxUsdPerJob),
    ...cap('max_usd_per_day', given.maxUsdPerDay),
    ...(given.metrics ? { metrics: true } : {}),
  };
  const parsed = tokenFileSchema.safeParse({ principals: [...content.principals, entry] });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MeshwrightError(
      'invalid_arguments',
      `${plain(name)} cannot be a principal: ${issue?.message ?? ''}.`,
    );
  }
  await save(place, parsed.data);
  if (given.json) printJson({ name, token, file });
  else {
    print(token);
    note(
      `This is the token of ${plain(name)}; it is shown once. Its hash is in ${file}. Start the server with MESHWRIGHT_TOKENS=${file}.`,
    );
    // Who only watches is easily taken for somebody who cannot spend.
    if (entry.metrics && parsed.data.principals.at(-1)?.max_usd_per_day !== 0) {
      note(
        'It may also generate and spend, as every token may; made with --max-usd-per-day 0 it may not spend.',
      );
    }
  }
  return 0;
}

/** @returns the exit code */
export async function removeToken(command: Command, name: string): Promise<number> {
  const { place, content } = await load(command);
  const { file } = place;
  const rest = content.principals.filter((one) => one.name !== name);
  if (rest.length === content.principals.length) {
    throw new MeshwrightError('not_found', `There is no principal ${plain(name)} in ${file}.`);
  }
  await save(place, { principals: rest });
  note(`${plain(name)} has no token any more; its jobs and files stay.`);
  return 0;
}

/** @returns the exit code */
export async function listTokens(command: Command): Promise<number> {
  const { place, content } = await load(command);
  const { file } = place;
  const rows = content.principals.map((entry) => ({
    name: entry.name,
    max_usd_per_job: entry.max_usd_per_job ?? null,
    max_usd_per_day: entry.max_usd_per_day ?? null,
    metrics: entry.metrics ?? false,
    own_keys: Object.keys(entry.keys ?? {}),
  }));
  if (command.optsWithGlobals<{ json?: boolean }>().json) {
    printJson({ file, principals: rows });
    return 0;
  }
  if (rows.length === 0) note(`There are no principals in ${file}; \`meshwright token add NAME\` makes one.`);
  else {
    const usd = (most: number | null): string => (most === null ? '–' : formatUsd(most));
    print(
      table<(typeof rows)[number]>(
        [
          { title: 'name', cell: ({ name }) => name },
          { title: 'cap per job', cell: (row) => usd(row.max_usd_per_job), align: 'right' },
          { title: 'cap per day', cell: (row) => usd(row.max_usd_per_day), align: 'right' },
          { title: 'metrics', cell: ({ metrics }) => (metrics ? 'yes' : '–') },
          { title: 'own keys', cell: (row) => row.own_keys.join(', ') || '–' },
        ],
        rows,
      ),
    );
  }
  return 0;
}

interface Place {
  file: string;
  dataDir: string;
}

async function load(command: Command): Promise<{ place: Place; content: TokenFile }> {
  const { maxUsdPerJob: _perJob, maxUsdPerDay: _perDay, ...settings } = command.optsWithGlobals();
  const config = configFrom(settings);
  const file = tokenFileOf(config);
  return {
    place: { file, dataDir: config.dataDir },
    content: existsSync(file) ? await readTokenFile(file) : { principals: [] },
  };
}

/**
 * Whole or not at all, and for its owner only: it may hold keys.
 *
 * @throws MeshwrightError `storage` with what to do about it
 */
async function save({ file, dataDir }: Place, content: TokenFile): Promise<void> {
  const folder = path.dirname(file);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await makeFolder(folder);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(content, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    // The words for the data folder, as every other command has them.
    const told = folder === dataDir ? storageError(error, dataDir) : error;
    if (told instanceof MeshwrightError) throw told;
    const why = WHY_NOT.get(systemCode(error) ?? '') ?? messageOf(error);
    throw new MeshwrightError(
      'storage',
      `The token file ${file} cannot be written: ${why}. Name another file with --tokens (MESHWRIGHT_TOKENS), or leave that out to use tokens.json in the data folder.`,
      { cause: error },
    );
  }
}

const NOT_WRITABLE = 'its folder is read-only or belongs to another user';
const NO_PLACE = 'its folder does not exist and cannot be made';

const WHY_NOT: ReadonlyMap<string, string> = new Map([
  ['EACCES', NOT_WRITABLE],
  ['EPERM', NOT_WRITABLE],
  ['EROFS', NOT_WRITABLE],
  ['ENOENT', NO_PLACE],
  ['ENOTDIR', 'there is a file in the place of its folder'],
  ['EEXIST', 'there is a file in the place of its folder'],
  ['EISDIR', 'there is a folder in its place'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the quota is used up'],
]);

function cap(name: string, text: string | undefined): { [name: string]: number } {
  if (text === undefined) return {};
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new MeshwrightError(
      'invalid_arguments',
      `A cap must be a number of dollars, 0 or more, not ${plain(text)}.`,
    );
  }
  return { [name]: value };
}
