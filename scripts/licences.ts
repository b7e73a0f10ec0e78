import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The licences of what the bundle carries, with their full texts, as most of them ask for. */

export interface Licence {
  /** As published: `zod 4.6.7`. */
  title: string;
  /** SPDX expression. */
  licence: string;
  text: string;
}

/** For works that come without their licence: files named like the package, the SPDX expression in the first line. */
const GIVEN = fileURLToPath(new URL('licences', import.meta.url));
const LICENCE_FILE = /^(licen[cs]e|copying|notices?)\b/i;
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
/** A package that another one has bundled, as its bundler notes where that begins. */
const INNER = /^\/\/#region .*node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\//gm;

/**
 * @param files what went into the bundle, relative to `root`, with `/`; files of the project itself are passed over
 * @returns one entry a package, by title
 * @throws Error when a package names no licence or there is no text of it
 */
export async function licencesOf(files: Iterable<string>, root: string): Promise<Licence[]> {
  const folders = new Set<string>();
  const inner = new Set<string>();
  for (const file of files) {
    const folder = PACKAGE.exec(file)?.[0];
    if (folder === undefined) continue;
    folders.add(folder);
    for (const [, name = ''] of (await readFile(path.join(root, file), 'utf8')).matchAll(INNER))
      inner.add(name);
  }
  const found = await Promise.all([
    ...[...folders].map((folder) => installed(path.join(root, folder))),
    // Which version another package has bundled is not known; the licence is the same.
    ...[...inner].map(async (name) => {
      const { licence, text } =
        (await givenLicence(name)) ?? (await installed(path.join(root, 'node_modules', name)));
      return { title: name, licence, text };
    }),
  ]);
  const byTitle = new Map(found.map((licence) => [licence.title, licence]));
  return [...byTitle.values()].toSorted((a, b) => (a.title < b.title ? -1 : 1));
}

/** What `scripts/licences` has of this name. */
export async function givenLicence(name: string): Promise<Licence | undefined> {
  const file = givenFile(name);
  if (!(await readdir(GIVEN)).includes(file)) return undefined;
  const [licence = '', ...lines] = (await readFile(path.join(GIVEN, file), 'utf8')).split('\n');
  return { title: name, licence, text: lines.join('\n') };
}

export function formatLicences(licences: readonly Licence[]): string {
  const head = 'meshwright carries the following works of others, each under its own licence.';
  const parts = licences.map(({ title, licence, text }) => `${title} (${licence})\n\n${text.trim()}`);
  return `${[head, ...parts].join(`\n\n${'='.repeat(80)}\n`)}\n`;
}

async function installed(folder: string): Promise<Licence> {
  const manifest: unknown = await readFile(path.join(folder, 'package.json'), 'utf8').then(
    JSON.parse,
    () => ({}),
  );
  const name = textOf(manifest, 'name') ?? path.basename(folder);
  const title = `${name} ${textOf(manifest, 'version') ?? ''}`.trim();
  const licence = textOf(manifest, 'license');
  const files =
    licence === undefined ? [] : (await readdir(folder)).filter((file) => LICENCE_FILE.test(file));
  const texts = await Promise.all(files.toSorted().map((file) => readFile(path.join(folder, file), 'utf8')));
  if (licence !== undefined && texts.length > 0) return { title, licence, text: texts.join('\n\n') };
  const given = await givenLicence(name);
  if (given) return { ...given, title };
  throw new Error(
    `${name} is bundled, but ${licence === undefined ? 'its licence is not known' : `ships no text of its licence (${licence})`}: put it into scripts/licences/${givenFile(name)}, the SPDX expression in the first line, or do without the package.`,
  );
}

function givenFile(name: string): string {
  return `${name.replace('/', '__')}.txt`;
}

function textOf(manifest: unknown, key: string): string | undefined {
  if (typeof manifest !== 'object' || manifest === null) return undefined;
  const value: unknown = new Map<string, unknown>(Object.entries(manifest)).get(key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
