import type { ProviderId } from '../config.js';

/** Where a user sees what a service did for him and charged him for, as its own pages and official clients name it. */
const CONSOLES: Readonly<Partial<Record<ProviderId, string>>> = {
  fal: 'https://fal.ai/dashboard/requests',
  pixazo: 'https://api-console.pixazo.ai',
  scenario: 'https://app.scenario.com',
};

/** Undefined for the local generator, which charges nobody. */
export function consoleOf(provider: ProviderId): string | undefined {
  return CONSOLES[provider];
}
