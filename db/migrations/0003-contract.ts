import type { Kysely } from 'kysely';

/** Tokens with scopes, what people say about Pis and disks, snapshots, what is done to many Pis, and what was found in a bakeform. */
export const contract = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('tokens')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull().unique())
      .addColumn('hash', 'text', (c) => c.notNull().unique())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .addColumn('expires_at', 'integer')
      .addColumn('last_used_at', 'integer')
      .addColumn('revoked_at', 'integer')
      .execute();
    const pis = db.schema.alterTable('pis');
    await pis.addColumn('name', 'text').execute();
    await pis.addColumn('tags', 'text', (c) => c.notNull().defaultTo('[]')).execute();
    await pis.addColumn('notes', 'text', (c) => c.notNull().defaultTo('')).execute();
    await pis.addColumn('switch', 'text').execute();
    await pis.addColumn('port', 'text').execute();
    await pis.addColumn('revision', 'integer').execute();
    await db.schema.createIndex('pis_by_name').unique().on('pis').column('name').execute();
    await db.schema.createIndex('pis_by_port').unique().on('pis').columns(['switch', 'port']).execute();
    const disks = db.schema.alterTable('disks');
    await disks.addColumn('name', 'text').execute();
    await disks.addColumn('source', 'text').execute();
    await disks.addColumn('withheld', 'integer', (c) => c.notNull().defaultTo(0)).execute();
    await db.schema.createIndex('disks_by_name').unique().on('disks').column('name').execute();
    await db.schema
      .createTable('snapshots')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('disk', 'text', (c) => c.notNull())
      .addColumn('name', 'text')
      .addColumn('size_mib', 'integer', (c) => c.notNull())
      .addColumn('fs_uuid', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('snapshots_by_disk').on('snapshots').column('disk').execute();
    await db.schema
      .createTable('bulk_items')
      .addColumn('bulk', 'text', (c) => c.notNull().references('operations.id').onDelete('cascade'))
      .addColumn('position', 'integer', (c) => c.notNull())
      .addColumn('pi', 'text', (c) => c.notNull())
      .addColumn('operation', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('error', 'text')
      .addPrimaryKeyConstraint('bulk_items_pk', ['bulk', 'position'])
      .execute();
    const bakeforms = db.schema.alterTable('bakeforms');
    await bakeforms.addColumn('lint', 'text', (c) => c.notNull().defaultTo('[]')).execute();
    await bakeforms.addColumn('root_bytes', 'integer', (c) => c.notNull().defaultTo(0)).execute();
    await bakeforms.addColumn('root_size', 'integer', (c) => c.notNull().defaultTo(0)).execute();
  },
};
