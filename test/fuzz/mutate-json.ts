import { isRecord } from '../../src/json.js';
import { mutateBytes } from './mutate.js';
import type { Random } from './random.js';
import { text, toJsonValue, toText } from './target.js';

/** Mutations of JSON that leave it JSON: what comes from outside is mostly well-formed, and wrong inside. */

const VALUES: readonly [unknown, ...unknown[]] = [
  null, true, false, 0, -0, -1, 1, 0.5, 1e-9, 255, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, 1e21, 1e308, -1e308,
  '', ' ', '0', '-1', 'NaN', '1e999', 'null', '\0', '\ud800', '\u202e', 'ﬀ', '\r\n', '%00', '..', '../../x', '{}', '[]',
  '__proto__', 'constructor', 'toString', 'a'.repeat(300), 'https://127.0.0.1/', 'https://example.com/a.glb?sig=x',
  'javascript:1', 'data:,', [], {}, [[]], [null], [{}], { url: 'x' }, { status: 1 }, { toString: 1 }, { length: 3 },
]; // prettier-ignore

interface Place {
  holder: unknown[] | Record<string, unknown>;
  key: string | number;
}

/** Most places that are looked at: a large document has enough of each kind among them. */
const MAX_PLACES = 4000;

export function mutateJson(bytes: Uint8Array, random: Random, tokens: readonly string[] = []): Uint8Array {
  const root = { value: toJsonValue(bytes) };
  if (root.value === undefined || random.chance(0.03)) return mutateBytes(bytes, random, tokens);
  try {
    for (let left = random.length(4); left > 0; left--) mutateOnce(root, random, tokens);
    if (random.chance(0.01)) return text(deep(toText(bytes), random));
    return text(JSON.stringify(root.value) ?? '');
  } catch (error) {
    // Nested deeper than can be copied.
    if (error instanceof RangeError) return mutateBytes(bytes, random, tokens);
    throw error;
  }
}

function mutateOnce(root: { value: unknown }, random: Random, tokens: readonly string[]): void {
  const places = placesIn(root);
  const place = random.pick(places);
  if (!place) return;
  const value = get(place);
  switch (random.below(10)) {
    case 0:
    case 1:
      return set(place, structuredClone(random.pick(VALUES)));
    case 2:
      return remove(place);
    case 3: {
      const other = random.pick(places);
      return set(place, other && structuredClone(get(other)));
    }
    case 4:
      return set(place, random.chance(0.5) ? [value] : { [name(random, places, tokens)]: value });
    case 5:
      if (Array.isArray(value) && isSmall(value[0]))
        value.push(...Array.from({ length: random.length(200) }, () => value[0] ?? null));
      return undefined;
    case 6:
      return rename(place, name(random, places, tokens));
    case 7:
      if (typeof value === 'number') return set(place, nearby(value, random));
      return typeof value === 'string' ? set(place, bent(value, random, tokens)) : undefined;
    case 8:
      if (isRecord(value)) value[name(random, places, tokens)] = structuredClone(random.pick(VALUES));
      return undefined;
    default:
      return typeof value === 'string' ? set(place, random.pick(tokens) ?? value) : undefined;
  }
}

/** Hundreds of copies of something large would take longer to make than to parse. */
function isSmall(value: unknown): boolean {
  return typeof value !== 'object' || (JSON.stringify(value) ?? '').length < 200;
}

function placesIn(root: Record<string, unknown>): Place[] {
  const places: Place[] = [{ holder: root, key: 'value' }];
  for (let next = 0; next < places.length && places.length < MAX_PLACES; next++) {
    const place = places[next];
    const value = place && get(place);
    if (Array.isArray(value)) value.forEach((_item, key) => places.push({ holder: value, key }));
    else if (isRecord(value)) for (const key of Object.keys(value)) places.push({ holder: value, key });
  }
  return places;
}

function get({ holder, key }: Place): unknown {
  return Array.isArray(holder) ? holder[Number(key)] : holder[key];
}

function set({ holder, key }: Place, value: unknown): void {
  if (Array.isArray(holder)) holder[Number(key)] = value;
  // Defined, so that `__proto__` is a name like any other.
  else Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function remove({ holder, key }: Place): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function rename(place: Place, to: string): void {
  if (Array.isArray(place.holder)) return;
  const value = get(place);
  remove(place);
  set({ holder: place.holder, key: to }, value);
}

function name(random: Random, places: readonly Place[], tokens: readonly string[]): string {
  const place = random.pick(places);
  if (random.chance(0.5) && typeof place?.key === 'string') return place.key;
  return random.pick(tokens) ?? '__proto__';
}

function nearby(value: number, random: Random): number {
  return random.pick([
    value + 1,
    value - 1,
    -value,
    value * 2,
    value / 2,
    value + 0.5,
    value * 1e6,
    2 ** 31 - value,
  ]);
}

function bent(value: string, random: Random, tokens: readonly string[]): string {
  return Buffer.from(mutateBytes(text(value.slice(0, 10_000)), random, tokens)).toString('utf8');
}

/** Nested far beyond what anybody sends. */
function deep(value: string, random: Random): string {
  const levels = random.pick([100, 2000, 20_000]);
  return random.chance(0.5)
    ? `${'['.repeat(levels)}${value}${']'.repeat(levels)}`
    : `${'{"a":'.repeat(levels)}${value}${'}'.repeat(levels)}`;
}
