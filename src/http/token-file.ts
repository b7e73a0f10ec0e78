import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { Config } from '../config.js';
import { MeshwrightError, messageOf, systemCode } from '../errors.js';
import { nearest } from '../nearest.js';
import { LOCAL_PRINCIPAL } from '../open.js';

/** The token file (`MESHWRIGHT_TOKENS`): what may stand in it, and what is wrong with one in words. */

const MAX_FILE_BYTES = 1024 * 1024;

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
export type TokenEntry = TokenFile['principals'][number];

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

/** What to say of a token file that is not there or cannot be read. */
export function unreadable(file: string, error: unknown): MeshwrightError {
  return new MeshwrightError(
    'configuration',
    systemCode(error) === 'ENOENT'
      ? `There is no token file ${file} (MESHWRIGHT_TOKENS). \`meshwright token add NAME --tokens FILE\` makes it; correct the name if it is another.`
      : `The token file ${file} (MESHWRIGHT_TOKENS) cannot be read: ${messageOf(error)}. It must be a file that the server's user may read.`,
  );
}
