import os from 'node:os';
import path from 'node:path';

/** From the text of a setting to its value. Each throws an `Error` whose message completes "NAME …". */

export function expandHome(text: string): string {
  return text === '~' || text.startsWith('~/') ? path.join(os.homedir(), text.slice(1)) : text;
}

/** The parts of a list that are not empty. */
export function listOf(text: string, separator = ','): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean);
}

export function readKey(text: string): string {
  const key = text.replace(/^(["'])(.*)\1$/, '$2').trim();
  if (key === '') throw new Error('is empty; unset it or give the key');
  // A key with white space or control characters is refused by every provider with an unhelpful 401.
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new Error('holds a space or a character that no key has; copy it again');
  return key;
}

export function readBaseUrl(text: string): string {
  if (!URL.canParse(text)) throw new Error('must be a URL such as https://example.com');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new Error('must begin with https:// or http://');
  if (url.username || url.password || url.search || url.hash) {
    throw new Error('must have no user, password, query or fragment');
  }
  return url.href.replace(/\/+$/, '');
}

/** The address that clients are given ends in `/mcp`; links are made of what comes before. */
export function readPublicUrl(text: string): string {
  const url = readBaseUrl(text);
  if (new URL(url).pathname.endsWith('/mcp')) throw new Error('must be the address without /mcp at its end');
  return url;
}

export function readOrigins(text: string): string[] {
  return listOf(text).map((part) => {
    const origin = URL.canParse(part) ? new URL(part).origin : 'null';
    if (origin === 'null' || part.replace(/\/$/, '') !== origin) {
      throw new Error('must be a comma-separated list of origins such as https://app.example');
    }
    return origin;
  });
}

export function readHosts(text: string): string[] {
  return listOf(text.toLowerCase()).map((part) => {
    if (!/^(\[[0-9a-f:.]+\]|[0-9a-f]*:[0-9a-f:.]+|[a-z0-9._-]+)(:\d{1,5})?$/.test(part)) {
      throw new Error('must be a comma-separated list of host or host:port');
    }
    const port = /:(\d+)$/.exec(part)?.[1];
    if (port !== undefined && !part.includes('::') && (Number(port) < 1 || Number(port) > 65_535)) {
      throw new Error('names a port that does not exist (1 to 65535)');
    }
    return part;
  });
}

export function readNumber(text: string, least: number, most: number, otherwise = ''): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < least || value > most) {
    throw new Error(`must be a number from ${least} to ${most}${otherwise}`);
  }
  return value;
}
