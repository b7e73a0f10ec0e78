import { env } from 'node:process';

/** Emulators accept any job and bill nobody: one that answers in production would hide that nothing is made. */
export function refuseInProduction(name: string): void {
  if (env['NODE_ENV'] === 'production') {
    throw new Error(
      `The ${name} emulator does not start when NODE_ENV is production. Unset NODE_ENV to run tests.`,
    );
  }
}
