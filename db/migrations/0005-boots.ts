import type { Kysely } from 'kysely';

/** One record for each attempt of a Pi to boot. It goes with its Pi. */
export const boots = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('boots')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('pi', 'text', (c) => c.notNull().references('pis.id').onDelete('cascade'))
      .addColumn('started_at', 'integer', (c) => c.notNull())
      .addColumn('heard_at', 'integer', (c) => c.notNull())
      .addColumn('ended_at', 'integer')
      .addColumn('ended_by', 'text')
      .addColumn('stop_told', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('stages', 'text', (c) => c.notNull())
      .addColumn('facts', 'text', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('boots_by_pi').on('boots').columns(['pi', 'started_at', 'id']).execute();
    await db.schema.createIndex('boots_by_time').on('boots').column('started_at').execute();
  },
};
