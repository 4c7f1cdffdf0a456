import type { Kysely } from 'kysely';

/** Switches whose ports Pis hang on, and where a Pi was found that is bound to another port. */
export const switches = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('switches')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('notes', 'text', (c) => c.notNull().defaultTo(''))
      .addColumn('settings', 'text', (c) => c.notNull())
      .addColumn('secrets', 'blob')
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .execute();
    const pis = db.schema.alterTable('pis');
    await pis.addColumn('moved_switch', 'text').execute();
    await pis.addColumn('moved_port', 'text').execute();
  },
};
