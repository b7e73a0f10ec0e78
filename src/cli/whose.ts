import { existsSync } from 'node:fs';
import type { Config } from '../config.js';
import { MeshwrightError } from '../errors.js';
import { readTokenFile, tokenFileOf } from '../http/token-file.js';
import type { Jobs } from '../jobs/service.js';
import { LOCAL_PRINCIPAL } from '../open.js';
import { plain } from './text.js';

/** `--principal NAME`: whoever runs the HTTP server sees and steers what its callers have. */

/** So many names are told of where one is not known. */
const TELL_OF = 20;

/**
 * The principal that a command is about.
 *
 * @param name as it was given; whoever uses this machine where it was not
 * @throws MeshwrightError `not_found` when nobody is called that
 */
export async function principalCalled(name: unknown, config: Config, jobs: Jobs): Promise<string> {
  if (typeof name !== 'string' || name === LOCAL_PRINCIPAL) return LOCAL_PRINCIPAL;
  // Who has something here is known without the token file: callers by OAuth are in none, and others may have left.
  const [{ rows: theirs }, { rows: files }] = await Promise.all([
    jobs.list(name, { limit: 1 }),
    jobs.assets.list(name, { limit: 1 }),
  ]);
  if (theirs.length > 0 || files.length > 0) return name;
  const file = tokenFileOf(config);
  const named = existsSync(file) ? (await readTokenFile(file)).principals.map((one) => one.name) : [];
  if (named.includes(name)) return name;
  const all = new Set([LOCAL_PRINCIPAL, ...named, ...(await jobs.store.jobs.principals(TELL_OF))]);
  const told = [...all].slice(0, TELL_OF);
  const more = all.size > told.length ? ' and others' : '';
  throw new MeshwrightError(
    'not_found',
    `There is no principal "${plain(name.slice(0, 80))}": none of the token file, and nobody with jobs or files here. There are ${told.map(plain).join(', ')}${more}.`,
    { field: 'principal' },
  );
}

/** What goes behind a command so that it is about the same principal. */
export function principalFlag(principal: string): string {
  if (principal === LOCAL_PRINCIPAL) return '';
  const word = plain(principal);
  return ` --principal ${/^[\w.@:/-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`}`;
}
