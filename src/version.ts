import { readFileSync } from 'node:fs';

/** meshwright's own version, from the package that this file was shipped in. */
export function version(): string {
  known ??= readVersion();
  return known;
}

let known: string | undefined;

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  if (
    typeof parsed === 'object' &&
    parsed !== null &&
    'version' in parsed &&
    typeof parsed.version === 'string'
  ) {
    return parsed.version;
  }
  return '0.0.0';
}
