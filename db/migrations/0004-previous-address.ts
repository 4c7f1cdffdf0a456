import type { Kysely } from 'kysely';

/** The address that a Pi is leaving keeps its access for a while. */
export const previousAddress = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('pis').addColumn('previous_address', 'text').execute();
  },
};
