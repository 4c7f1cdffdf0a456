import { clients } from './clients.ts';
import { faults } from './faults.ts';
import { feed } from './feed.ts';
import { imports } from './imports.ts';
import type { Mutation } from './mutation.ts';
import { operations } from './operations.ts';
import { recovery } from './recovery.ts';

/** Every protection that can be taken out. */
export const MUTATIONS: readonly Mutation[] = [...operations, ...clients, ...feed, ...imports, ...faults, ...recovery];
