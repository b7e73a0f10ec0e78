import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../errors.js';

/**
 * Names of processes that hold leases: `machine.pid.start.random`. The name says enough for another process on
 * the same machine to find out that its holder is dead, without waiting for the lease to end.
 */

/** A new name for the calling process. */
export function ownerId(): string {
  const random = randomBytes(6).toString('hex');
  return `${machine()}.${process.pid}.${linuxProcess(process.pid)?.start ?? '-'}.${random}`;
}

/**
 * Whether the process of that name is known to be gone: it ran on this machine and its pid is free, or taken by a
 * process that started at another time. False when that cannot be known; the end of the lease decides then.
 */
export function isDeadOwner(owner: string): boolean {
  const match = /^([0-9a-f]+)\.([1-9]\d*)\.(\d+|-)\.[0-9a-f]+$/.exec(owner);
  if (!match) return false;
  const [, host, pidText, start] = match;
  const pid = Number(pidText);
  if (host !== machine() || !Number.isSafeInteger(pid)) return false;
  if (!exists(pid)) return true;
  const now = linuxProcess(pid);
  if (now === undefined || start === '-') return false;
  return now.zombie || now.start !== start;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return systemCode(error) !== 'ESRCH';
  }
}

let known: string | undefined;

/** Equal only where pids mean the same: the host name alone is shared by containers and by restarts. */
function machine(): string {
  known ??= createHash('sha256')
    .update([hostname(), bootId(), pidNamespace()].join('\n'))
    .digest('hex')
    .slice(0, 16);
  return known;
}

function bootId(): string {
  return quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '';
}

function pidNamespace(): string {
  return quietly(() => readlinkSync('/proc/self/ns/pid')) ?? '';
}

/** Start (clock ticks since boot, field 22 of proc(5) stat) and state of a process, on Linux. */
function linuxProcess(pid: number): { start: string; zombie: boolean } | undefined {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // Field 2 is the name in brackets and may hold anything, so fields are counted from its end.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = fields?.[19];
  if (start === undefined) return undefined;
  return { start, zombie: fields?.[0] === 'Z' || fields?.[0] === 'X' };
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
