import { expect, it } from 'vitest';
import { declinedByItself } from '../../src/server/client-habits.js';

it('an instant no is the own answer of a client that is known for it, and of no other', () => {
  for (const name of ['codex-mcp-client', 'Codex', 'claude-code', 'Claude Code', 'claude-vscode']) {
    expect(declinedByItself(name, 30), name).toBe(true);
    expect(declinedByItself(name, 1_000), name).toBe(false);
  }
  for (const name of ['claude-ai', 'my-codex', 'Visual Studio Code', '', undefined]) {
    expect(declinedByItself(name, 0), name).toBe(false);
  }
});
