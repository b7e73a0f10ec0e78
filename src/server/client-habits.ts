/**
 * What clients do that no protocol tells, as data: behaviour changes from month to month, so no code path knows a
 * client by name.
 */

interface Habit {
  /** `clientInfo.name`, without regard to case. */
  client: RegExp;
  /** An answer that comes sooner is the client's own, in milliseconds: nobody reads and decides so fast. */
  withinMs: number;
  /** Where it was seen, and when it was looked at last. */
  source: string;
  date: string;
}

/** Clients that declare elicitation and may decline without showing anything to anybody. */
const DECLINES_BY_ITSELF: readonly Habit[] = [
  {
    // The same name for the terminal, which does ask, and for the VS Code extension, the desktop app and the SDK.
    client: /^claude[ _-]?(?:code|vscode)/i,
    withinMs: 1_000,
    source: 'anthropics/claude-code #41292, #79174, #89858',
    date: '2026-11-20',
  },
  {
    client: /^codex/i,
    withinMs: 1_000,
    source: 'openai/codex #6992, #13405, #45621',
    date: '2026-11-20',
  },
];

/** @param tookMs from the question to the answer, in milliseconds */
export function declinedByItself(client: string | undefined, tookMs: number): boolean {
  if (client === undefined) return false;
  return DECLINES_BY_ITSELF.some((habit) => habit.client.test(client) && tookMs < habit.withinMs);
}
