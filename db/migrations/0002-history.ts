import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What happened, who did it, who is to be told; and what lies in the trash. */
export const history: Migration = {
  async up(db: Kysely<unknown>) {
    for (const column of ['pi', 'disk', 'bakeform', 'actor', 'request']) {
      await db.schema.alterTable('operations').addColumn(column, 'text').execute();
    }
    await db.schema.createIndex('operations_by_time').on('operations').columns(['created_at', 'id']).execute();
    await db.schema
      .createTable('events')
      .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('operation', 'text')
      .addColumn('pi', 'text')
      .addColumn('disk', 'text')
      .addColumn('bakeform', 'text')
      .addColumn('data', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('audit')
      .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('at', 'integer', (c) => c.notNull())
      .addColumn('actor', 'text', (c) => c.notNull())
      .addColumn('client', 'text', (c) => c.notNull())
      .addColumn('method', 'text', (c) => c.notNull())
      .addColumn('path', 'text', (c) => c.notNull())
      .addColumn('status', 'integer', (c) => c.notNull())
      .addColumn('code', 'text')
      .addColumn('operation', 'text')
      .addColumn('request', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('idempotency_keys')
      .addColumn('actor', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('fingerprint', 'text', (c) => c.notNull())
      .addColumn('operation', 'text', (c) => c.notNull())
      .addColumn('status', 'integer')
      .addColumn('body', 'text')
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('idempotency_keys_primary', ['actor', 'key'])
      .execute();
    // Pruning looks keys up by the operations that go.
    await db.schema.createIndex('idempotency_keys_by_operation').on('idempotency_keys').column('operation').execute();
    await db.schema
      .createTable('webhooks')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('url', 'text', (c) => c.notNull())
      .addColumn('secret', 'text', (c) => c.notNull())
      .addColumn('types', 'text', (c) => c.notNull())
      .addColumn('cursor', 'integer', (c) => c.notNull())
      .addColumn('failures', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('next_at', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('last_error', 'text')
      .addColumn('created_at', 'integer', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('trash')
      .addColumn('disk', 'text', (c) => c.primaryKey())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('size_mib', 'integer', (c) => c.notNull())
      .addColumn('fs_uuid', 'text', (c) => c.notNull())
      .addColumn('pi', 'text')
      .addColumn('bakeform', 'text')
      .addColumn('bakeform_volume', 'text')
      .addColumn('discarded_at', 'integer', (c) => c.notNull())
      .addColumn('kept_ms', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
  },
};
