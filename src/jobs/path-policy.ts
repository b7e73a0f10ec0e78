import { realpath } from 'node:fs/promises';
import os from 'node:os';
import path, { type PlatformPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeshwrightError, printable, systemCode } from '../errors.js';
import { windowsFault } from './windows-path.js';

/** Which local paths an agent may name, and how every refusal is worded. */

/** A folder that is open to agents: as it was configured, and where it really is. */
export interface Root {
  given: string;
  real: string;
}

export const refused = (message: string, cause?: unknown): MeshwrightError =>
  new MeshwrightError('path_refused', message, { cause });

/** What the rules depend on; tests ask for those of other systems. */
export interface System {
  windows: boolean;
  path: PlatformPath;
  home: string;
  /** Folders below the home folder that are hidden although their names do not say so: settings, cookies, keys. */
  closed: readonly string[];
}

export function systemOf(platform: NodeJS.Platform, home: string): System {
  const windows = platform === 'win32';
  const closed = windows ? ['AppData'] : platform === 'darwin' ? ['Library'] : [];
  return { windows, path: windows ? path.win32 : path.posix, home, closed };
}

const here = (): System => systemOf(process.platform, os.homedir());

/**
 * The absolute path that a text names: an absolute path, `~/…` or a `file://` URL.
 *
 * @throws MeshwrightError `path_refused`
 */
export function absolutePath(input: string, system = here()): string {
  const text = /^file:/i.test(input) ? pathOfUrl(input, system) : expandHome(input, system);
  if (/\p{Cc}/u.test(text)) throw refused(`${shown(input)} holds a control character, which no path needs.`);
  // Reaching for a network share would send the user's credentials to whoever is named.
  if (/^[\\/]{2}/.test(text))
    throw refused(`${shown(input)} is on another machine; give a path on this one.`);
  if (!system.path.isAbsolute(text)) {
    throw refused(
      `${shown(input)} is not an absolute path. Give it in full, such as /home/me/picture.png or ~/picture.png: ` +
        'a relative path would depend on the folder that the server was started in.',
    );
  }
  const fault = system.windows ? windowsFault(text) : undefined;
  if (fault !== undefined) throw refused(`${shown(input)} ${fault}.`);
  return system.path.resolve(text);
}

function pathOfUrl(input: string, { windows }: System): string {
  try {
    return fileURLToPath(input, { windows });
  } catch (error) {
    throw refused(
      `${shown(input)} does not name a file on this machine. Write file:///home/me/picture.png, with three slashes.`,
      error,
    );
  }
}

function expandHome(input: string, system: System): string {
  if (input !== '~' && !/^~[/\\]/.test(input)) {
    if (!input.startsWith('~')) return input;
    throw refused(`${shown(input)}: only your own home folder can be written as ~. Give the path in full.`);
  }
  return system.path.join(system.home, input.slice(1));
}

/** @param dirs absolute; those that do not exist open nothing */
export async function openRoots(dirs: readonly string[]): Promise<Root[]> {
  return Promise.all(
    dirs.map(async (given) => ({ given, real: await realpath(given).catch(() => path.resolve(given)) })),
  );
}

/**
 * Lets pass what is in an open folder and neither hidden nor in a hidden folder below it: keys, tokens and
 * settings live in folders whose name begins with a dot.
 *
 * @param real where the file really is, after all symbolic links
 * @param wanted as it was asked for, for the sentence
 * @throws MeshwrightError `path_refused`
 */
export function checkOpen(real: string, roots: readonly Root[], wanted: string, system = here()): void {
  const within = roots.filter((root) => below(root.real, real, system) !== undefined);
  if (within.some((root) => !isHidden(root, real, system))) return;
  if (within.length > 0) {
    throw refused(
      `${shown(wanted)} is hidden or in a hidden folder, which is not open to agents. Use a visible folder, or add ` +
        'this one to MESHWRIGHT_ALLOWED_DIRS.',
    );
  }
  throw refused(
    roots.length === 0
      ? 'Paths are not used here: no folder of this server is open to agents. Give a picture as an https URL or a data: URI, ' +
          'or over HTTP send it first with upload_image and give its uri. Whoever runs the server opens folders with MESHWRIGHT_ALLOWED_DIRS.'
      : `${shown(wanted)} is not in a folder that is open to agents (${[...new Set(roots.map(({ given }) => given))].join(', ')}). ` +
          'Use one of these, or add its folder to MESHWRIGHT_ALLOWED_DIRS.',
  );
}

/** The names on the way from a folder to what is in it; undefined when it is not in it. */
export function below(folder: string, file: string, system = here()): string[] | undefined {
  const relative = system.path.relative(folder, file);
  if (system.path.isAbsolute(relative)) return undefined;
  const parts = relative.split(system.path.sep);
  return parts[0] === '..' ? undefined : parts;
}

/** Whether the way from an open folder to what is in it leads through what is hidden. */
function isHidden({ given, real }: Root, file: string, system: System): boolean {
  const { path: paths, home, closed } = system;
  const parts = below(real, file, system) ?? [];
  if (parts.some((name) => name.startsWith('.'))) return true;
  const fromHome = given === home ? parts : (below(home, file, system) ?? []);
  const name = closed.find((one) => one.toLowerCase() === fromHome[0]?.toLowerCase());
  return name !== undefined && below(paths.join(home, name), given, system) === undefined;
}

/**
 * A failure of the file system in words. About places that are not open it says nothing but that: whether
 * something exists there is nobody's business.
 *
 * @param doing `read` or `written`
 */
export function pathError(
  error: unknown,
  wanted: string,
  roots: readonly Root[],
  doing: 'read' | 'written',
): unknown {
  const code = systemCode(error);
  if (error instanceof MeshwrightError || code === undefined) return error;
  try {
    checkOpen(wanted, [...roots, ...roots.map(({ given }) => ({ given, real: given }))], wanted);
  } catch (refusal) {
    return refusal;
  }
  const name = shown(wanted);
  switch (code) {
    case 'ENOENT':
      return new MeshwrightError(
        'not_found',
        doing === 'read'
          ? `There is no file at ${name}. Check the path.`
          : `There is no folder ${shown(path.dirname(wanted))}. Create it, or save to a folder that exists.`,
        { cause: error },
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new MeshwrightError(
        'storage',
        `${name} could not be written: the disk is full. Free some space.`,
        {
          cause: error,
        },
      );
    case 'EROFS':
      return refused(`${name} could not be written: its disk is read-only. Save somewhere else.`, error);
    case 'EACCES':
    case 'EPERM':
      return refused(
        `${name} could not be ${doing}: permission denied. Use another folder or change its rights.`,
        error,
      );
    case 'ENOTDIR':
      return refused(`${name} could not be ${doing}: a part of its path is a file, not a folder.`, error);
    case 'ELOOP':
      return refused(
        `${name} could not be ${doing}: its symbolic links lead in a circle or changed just now.`,
        error,
      );
    case 'ENAMETOOLONG':
      return refused(`${name} could not be ${doing}: the name is too long.`, error);
    default:
      return refused(`${name} could not be ${doing} (${code}).`, error);
  }
}

/** A path or what was given for one, fit for a sentence. */
export function shown(text: string): string {
  const clean = printable(text);
  return clean === ''
    ? 'An empty path'
    : clean.length > 200
      ? `${clean.slice(0, 100)}…${clean.slice(-60)}`
      : clean;
}
