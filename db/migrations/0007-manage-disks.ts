import type { Kysely } from 'kysely';

/** Whether Bakery writes the list of its disks onto a Pi's root. */
export const manageDisks = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .alterTable('pis')
      .addColumn('manage_disks', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
  },
};
