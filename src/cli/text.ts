import { stripVTControlCharacters } from 'node:util';

/** Text for a terminal. */

export interface Column<Row> {
  title: string;
  cell: (row: Row) => string;
  align?: 'right';
}

/** Rows under a head line, in columns two spaces apart; without rows only the head. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => plain(cell(row)))),
  ];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, at) => {
          const space = ' '.repeat(Math.max(0, (widths[at] ?? 0) - text.length));
          return columns[at]?.align === 'right' ? space + text : text + space;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values, one pair a line; pairs without a value are left out. */
export function pairs(entries: readonly (readonly [name: string, value: string | undefined])[]): string {
  const shown = entries.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  return shown.map(({ name, value }) => `${name.padEnd(width)}  ${plain(value)}`).join('\n');
}

/** The text on one line and without anything that a terminal would obey: some of it comes from providers. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Bidi_Control}]+/gu, ' ');
}

/** `1.23 × 0.4 × 2 m` */
export function formatSize(meters: readonly number[]): string {
  return `${meters.map((value) => Number(value.toPrecision(3))).join(' × ')} m`;
}

/** `2 h 03 min`, `3 min 12 s`, `2.9 s` */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${Math.round(seconds * 10) / 10} s`;
  const [big, small, units] =
    whole < 3600
      ? [Math.floor(whole / 60), whole % 60, ['min', 's']]
      : [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), ['h', 'min']];
  return `${big} ${units[0]} ${String(small).padStart(2, '0')} ${units[1]}`;
}

export function formatUsd(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return 'unknown';
  return usd === 0 ? 'free' : `$${Number(usd.toPrecision(3))}`;
}

/** Local time, `2026-03-01 14:05`. */
export function formatTime(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The reader of a pipe may leave early: `meshwright jobs | head -1`. */
const leave = (): void => process.exit(0);

/** What a command answers: it alone goes to stdout. */
export function print(text: string): void {
  if (!process.stdout.listeners('error').includes(leave)) process.stdout.on('error', leave);
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** What only accompanies the answer. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
