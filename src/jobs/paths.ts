import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, lstat, open, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { MeshwrightError, systemCode } from '../errors.js';
import {
  absolutePath,
  below,
  checkOpen,
  openRoots,
  pathError,
  refused,
  shown,
  type Root,
} from './path-policy.js';
import { isDevice } from './windows-path.js';

/**
 * The only way to local files that an agent names. What is read or written is what was checked, also when
 * somebody swaps a folder for a symbolic link in between.
 */

export interface LocalFile {
  /** Where the file really is. */
  path: string;
  sizeBytes: number;
  /** Open for reading; the caller closes it. */
  handle: FileHandle;
}

/**
 * Opens a regular file in one of the open folders.
 *
 * @param input absolute path, `~/…` or `file://` URL
 * @throws MeshwrightError `path_refused`, `not_found`
 */
export async function resolveReadable(input: string, allowedDirs: readonly string[]): Promise<LocalFile> {
  const wanted = absolutePath(input);
  const roots = await openRoots(allowedDirs);
  let handle: FileHandle | undefined;
  try {
    const real = await realpath(wanted);
    checkOpen(real, roots, wanted);
    // Before it is opened: that alone can rewind a tape, and a pipe would wait for somebody to write.
    requireFile(await stat(real), wanted);
    handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const info = await handle.stat();
    requireFile(info, wanted);
    checkOpen(await openedPath(handle, info, real), roots, wanted);
    return { path: real, sizeBytes: info.size, handle };
  } catch (error) {
    await handle?.close();
    throw pathError(error, wanted, roots, 'read');
  }
}

/** @throws MeshwrightError as `resolveReadable`, and `too_large` */
export async function readLocalFile(
  input: string,
  allowedDirs: readonly string[],
  maxBytes: number,
): Promise<{ path: string; bytes: Buffer }> {
  const file = await resolveReadable(input, allowedDirs);
  try {
    const tooLarge = new MeshwrightError(
      'too_large',
      `${shown(input)} is larger than ${Math.floor(maxBytes / (1 << 20))} MiB, which is the limit here.`,
    );
    if (file.sizeBytes > maxBytes) throw tooLarge;
    // One byte more than it had, to notice a file that grows.
    const buffer = Buffer.alloc(file.sizeBytes + 1);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.handle.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled > maxBytes) throw tooLarge;
    return { path: file.path, bytes: buffer.subarray(0, filled) };
  } finally {
    await file.handle.close();
  }
}

export interface TargetOptions {
  /** Whether a file of that name may be replaced. */
  overwrite: boolean;
  /** The name when `input` is a folder; made fit for a file name. */
  suggestedName: string;
  /** Folders that are never written to although they may be in an open one: meshwright's own data. */
  closedDirs?: readonly string[] | undefined;
}

export interface Target {
  /** The folder, after all symbolic links. */
  folder: string;
  name: string;
  /** Both joined. */
  path: string;
}

/**
 * Where a file may be written: in a folder that exists and is open, and not over another file unless said.
 *
 * @param input absolute path, `~/…` or `file://` URL of a file or of a folder that exists
 * @throws MeshwrightError `path_refused`, `not_found`, `conflict`
 */
export async function resolveWritable(
  input: string,
  allowedDirs: readonly string[],
  options: TargetOptions,
): Promise<Target> {
  const roots = await openRoots(allowedDirs);
  const wanted = absolutePath(input);
  try {
    return await findTarget(wanted, /[/\\]$/.test(input), roots, options);
  } catch (error) {
    throw pathError(error, wanted, roots, 'written');
  }
}

async function findTarget(
  wanted: string,
  mustBeFolder: boolean,
  roots: readonly Root[],
  { overwrite, suggestedName, closedDirs = [] }: TargetOptions,
): Promise<Target> {
  const isFolder = await stat(wanted).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const folder = await realpath(isFolder ? wanted : path.dirname(wanted));
  const name = isFolder ? safeName(suggestedName) : path.basename(wanted);
  const target = { folder, name, path: path.join(folder, name) };
  checkOpen(target.path, roots, wanted);
  for (const { real } of await openRoots(closedDirs)) {
    if (below(real, target.path))
      throw refused(`${shown(wanted)} is in meshwright's own folder. Save somewhere else.`);
  }
  if (mustBeFolder && !isFolder) {
    throw new MeshwrightError('not_found', `There is no folder ${shown(wanted)}. Create it, or name a file.`);
  }
  const there = await lstat(target.path).catch(() => undefined);
  if (there && !overwrite) throw conflict(target.path);
  if (there && !there.isFile() && !there.isSymbolicLink()) {
    throw refused(`${shown(target.path)} is not a file and is not replaced. Give another name.`);
  }
  return target;
}

/**
 * Writes a file: under a temporary name beside it first, so that nobody ever sees a part of it, and the file that
 * was there stays whole when anything fails. Two calls for one name without `overwrite` never both succeed.
 *
 * @param input see `resolveWritable`
 * @returns where the file is, after all symbolic links
 * @throws MeshwrightError `path_refused`, `not_found`, `conflict`, `storage`: nothing has changed then
 */
export async function saveFile(
  input: string,
  options: TargetOptions & { allowedDirs: readonly string[]; content: Readable | Uint8Array },
): Promise<string> {
  const { allowedDirs, overwrite, content } = options;
  const stream = content instanceof Uint8Array ? undefined : content;
  let sourceError: unknown;
  // Listening from the start: a stream that fails while the path is being checked would end the process.
  stream?.on('error', (error) => {
    sourceError = error;
  });
  try {
    const target = await resolveWritable(input, allowedDirs, options);
    const roots = await openRoots(allowedDirs);
    await write(target, roots, content, overwrite).catch((error: unknown) => {
      throw sourceError ?? pathError(error, target.path, roots, 'written');
    });
    return target.path;
  } finally {
    stream?.destroy();
  }
}

async function write(
  target: Target,
  roots: readonly Root[],
  content: Readable | Uint8Array,
  overwrite: boolean,
): Promise<void> {
  const folder = await holdFolder(target.folder);
  const temporary = path.join(folder.base, `.meshwright-${randomBytes(8).toString('hex')}.part`);
  const final = path.join(folder.base, target.name);
  try {
    checkOpen(path.join(folder.real, target.name), roots, target.path);
    const handle = await open(temporary, 'wx', 0o666);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (overwrite) await rename(temporary, final);
    else await moveToNewName(temporary, final, target.path);
    await folder.handle?.sync();
  } finally {
    await rm(temporary, { force: true });
    await folder.handle?.close();
  }
}

/** A rename that never replaces anything. */
async function moveToNewName(from: string, to: string, wanted: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') throw conflict(wanted);
    // A file system without hard links (exFAT, some shares): take the name with an empty file, then replace that.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK'].includes(code)) throw error;
    const taken = await open(to, 'wx').catch((failure: unknown) => {
      throw systemCode(failure) === 'EEXIST' ? conflict(wanted) : failure;
    });
    await taken.close();
    await rename(from, to);
  }
}

interface HeldFolder {
  /** Prefix of the names in this very folder, wherever its path leads by now. */
  base: string;
  /** Where it really is. */
  real: string;
  handle: FileHandle | undefined;
}

/** Holds on to a folder where the system can (Linux); elsewhere its path has to do. */
async function holdFolder(real: string): Promise<HeldFolder> {
  if (process.platform !== 'linux') return { base: real, real: await realpath(real), handle: undefined };
  const handle = await open(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const base = `/proc/self/fd/${handle.fd}`;
  return readlink(base).then(
    (opened) => ({ base, real: opened, handle }),
    async () => ({ base: real, real: await realpath(real), handle }),
  );
}

/** Where the file that is open really is. */
async function openedPath(handle: FileHandle, info: Stats, real: string): Promise<string> {
  const known =
    process.platform === 'linux' ? await readlink(`/proc/self/fd/${handle.fd}`).catch(() => '') : '';
  if (known) return known;
  const now = await realpath(real);
  const there = await stat(now);
  if (there.ino !== info.ino || there.dev !== info.dev)
    throw refused(`${shown(real)} changed while it was being opened.`);
  return now;
}

function requireFile(info: Stats, wanted: string): void {
  if (info.isFile()) return;
  throw refused(
    info.isDirectory()
      ? `${shown(wanted)} is a folder. Name a file in it.`
      : `${shown(wanted)} is not a regular file but a device, pipe or socket.`,
  );
}

function conflict(file: string): MeshwrightError {
  return new MeshwrightError(
    'conflict',
    `${shown(file)} exists already. Give another name, or set overwrite to true to replace it.`,
  );
}

/** A name without folders and without characters that some system refuses. */
export function safeName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? '';
  const clean = base
    .replace(/[\p{Cc}<>:"|?*]/gu, '_')
    .slice(-120)
    .replace(/^[.\s]+|[.\s]+$/g, '');
  return isDevice(clean) ? `_${clean}` : clean || 'asset';
}
