import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The first shape of the inventory and the journal. */
export const initial: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('pis')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('bakeform', 'text')
      .addColumn('bakeform_volume', 'text')
      .addColumn('mac', 'text', (c) => c.unique())
      .addColumn('address', 'text', (c) => c.unique())
      .addColumn('address_seen_at', 'integer')
      .addColumn('boot_expected_until', 'integer')
      .addColumn('desired_power', 'text')
      .addColumn('maintenance', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('quarantine', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('await_off', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('fault', 'text')
      .addColumn('confirmed', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .addCheckConstraint('pis_state', sql`state in ('fridge','baking','baked','unbaking','held')`)
      .execute();
    await db.schema
      .createTable('disks')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('size_mib', 'integer', (c) => c.notNull())
      .addColumn('pi', 'text', (c) => c.references('pis.id'))
      .addColumn('position', 'integer')
      .addColumn('fs_uuid', 'text', (c) => c.notNull().unique())
      .addColumn('export_id', 'integer', (c) => c.notNull().unique())
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .addUniqueConstraint('disks_place', ['pi', 'position'])
      .addCheckConstraint('disks_attached', sql`(pi is null) = (position is null)`)
      .addCheckConstraint('disks_export_id', sql`export_id between 1 and 65535`)
      .execute();
    await db.schema
      .createTable('bakeforms')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('volume_id', 'text', (c) => c.notNull().unique())
      .addColumn('sha256', 'text')
      .addColumn('bytes', 'integer', (c) => c.notNull())
      .addColumn('boot_folder', 'text', (c) => c.notNull())
      .addColumn('notes', 'text', (c) => c.notNull())
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('operations')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('params', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('error', 'text')
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .addColumn('ended_at', 'integer')
      .execute();
    await db.schema.createIndex('operations_by_state').on('operations').column('state').execute();
    await db.schema
      .createTable('operation_events')
      .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('operation', 'text', (c) => c.notNull().references('operations.id').onDelete('cascade'))
      .addColumn('step', 'text', (c) => c.notNull())
      .addColumn('event', 'text', (c) => c.notNull())
      .addColumn('output', 'text')
      .addColumn('at', 'integer', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('operation_events_by_operation').on('operation_events').column('operation').execute();
    await db.schema
      .createTable('claims')
      .addColumn('resource', 'text', (c) => c.primaryKey())
      .addColumn('operation', 'text', (c) => c.notNull().references('operations.id').onDelete('cascade'))
      .addColumn('purpose', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('settings')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull())
      .execute();
  },
};
