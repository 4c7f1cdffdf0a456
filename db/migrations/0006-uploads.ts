import type { Kysely } from 'kysely';

/** Uploads that come in pieces. */
export const uploads = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('uploads')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('bytes', 'integer', (c) => c.notNull())
      .addColumn('idle_ms', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .execute();
  },
};
