import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BakeryError, describeError } from '../../core/errors.ts';
import type { Clock } from '../../core/host/clock.ts';
import { writeFileAtomic } from '../../core/host/files.ts';
import type { Log } from '../../core/log.ts';
import { listBakeforms } from '../../db/bakeforms.ts';
import { listDisks } from '../../db/disks.ts';
import {
  completeImport,
  enterLegacyPi,
  forgetOpenImports,
  type ImportOutcome,
  importState,
  listImports,
  noteImport,
  readLegacyInventory,
} from '../../db/legacy.ts';
import type { Db } from '../../db/open.ts';
import { listPis } from '../../db/pis.ts';
import { listLegacyBootFolders, listLegacyFolders, listLegacyImages } from '../../exports/legacy/folders.ts';
import { planUpload } from '../operations/bakeforms.ts';
import type { Engine } from '../operations/engine.ts';
import { type ImportWish, planImportDisks } from '../operations/import-disks.ts';
import { type ImportFacts, type PlannedDisk, planImport } from './plan.ts';
import { importReport } from './report.ts';

/** What an import acts through. */
export interface ImportPorts {
  readonly db: Db;
  readonly engine: Engine;
  /** BAKERY_ROOT, without links in it. */
  readonly root: string;
  /** The pool's folders with volumes of disks, the trash too. */
  readonly volumeFolders: readonly string[];
  /** Resolves when what a crash interrupted has ended: an import too, which holds what it was working on. */
  readonly recovered: Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where an import's result is written for people. */
export const reportFile = (root: string) => join(root, 'import.txt');

async function gatherFacts(ports: ImportPorts, rows: ImportFacts['rows']): Promise<ImportFacts> {
  const { db, root } = ports;
  const [disks, pis, bakeforms] = [await listDisks(db), await listPis(db), await listBakeforms(db)];
  const done = (await listImports(db)).filter(({ outcome }) => outcome === 'done').map(({ item }) => item);
  // What is Bakery's own is not looked into: a volume may be mounted over an old folder.
  const ours = new Set<string>([
    ...disks.map(({ id }) => id),
    ...pis.map(({ id }) => id),
    ...done.map((item) => item.replace(/^disk:/, '')),
  ]);
  const volumes = (await Promise.all(ports.volumeFolders.map((folder) => readdir(folder)))).flat();
  return {
    rows,
    folders: await listLegacyFolders(join(root, 'nfs'), ours),
    images: await listLegacyImages(join(root, 'bakeforms')),
    boots: new Set(await listLegacyBootFolders(join(root, 'boot'))),
    done: new Set(done),
    pis: new Map(pis.map(({ id, state }) => [id, state])),
    disks: new Set(disks.map(({ id }) => id)),
    bakeforms: new Set(bakeforms.map(({ name }) => name)),
    volumes: new Set(volumes.map((name) => name.replace(/\.ext4$/, ''))),
  };
}

/**
 * Takes over what the original Bakery had, as far as that has not happened yet: bakeforms, then Pis with their disks, then the
 * disks of nobody. Does nothing on a database that was never the original's, and nothing once all is done. One thing that
 * cannot be taken over keeps nothing else; it is told, and tried again at the next start.
 */
export async function importLegacy(ports: ImportPorts): Promise<void> {
  const { db, engine, root, clock, log } = ports;
  const rows = await readLegacyInventory(db);
  if (!rows || (await importState(db)) === 'complete') return;
  await ports.recovered;
  await forgetOpenImports(db);
  const plan = planImport(await gatherFacts(ports, rows));
  const { bakeforms, pis, loose } = plan;
  log.info(
    { bakeforms: bakeforms.length, pis: pis.length, fridge: plan.fridge.length, disks: loose.length },
    'taking over what the original Bakery had',
  );

  async function keep(item: string, outcome: ImportOutcome, text: string, source?: string): Promise<void> {
    await noteImport(db, { item, outcome, text, source, at: clock.now() });
    log[outcome === 'problem' ? 'warn' : 'info']({ item, text }, outcome === 'done' ? 'taken over' : 'not taken over');
  }
  const failed = (item: string, error: unknown) => keep(item, 'problem', describeError(error));

  await db.transaction().execute(async (trx) => {
    const now = clock.now();
    // Before anything takes its time: no Pi in use may be given away meanwhile.
    for (const id of plan.quarantine) await enterLegacyPi(trx, { id, quarantine: true, now });
    for (const { id, item, text } of plan.fridge) {
      await enterLegacyPi(trx, { id, quarantine: false, now });
      await noteImport(trx, { item, outcome: 'done', text, at: now });
    }
  });
  for (const { item, text } of plan.problems) await keep(item, 'problem', text);
  for (const { item, text } of plan.notes) await keep(item, 'note', text);

  for (const { name, file } of bakeforms) {
    const source = `bakeforms/${file}`;
    const item = `bakeform:${name}`;
    try {
      const image = createReadStream(join(root, source), { highWaterMark: 1024 ** 2 });
      try {
        await (await engine.start('upload-bakeform', (trx) => planUpload(trx, name), { attachment: { body: image } }))
          .done;
      } finally {
        image.destroy();
      }
      await keep(item, 'done', 'a bakeform', source);
    } catch (error) {
      const isThere = error instanceof BakeryError && error.code === 'bakeform-exists';
      if (isThere) await keep(item, 'done', 'there is a bakeform of that name', source);
      else await failed(item, error);
    }
  }

  const inRoot = ({ id, role, position, sizeMiB, folder }: PlannedDisk) => {
    const source = `nfs/${folder}`;
    return { id, role, position, sizeMiB, source, from: join(root, source) };
  };
  async function take(item: string, wish: ImportWish): Promise<void> {
    try {
      await (await engine.start('import-disks', (trx) => planImportDisks(trx, wish))).done;
      log.info({ item, notes: wish.notes }, 'taken over');
    } catch (error) {
      await failed(item, error);
    }
  }
  for (const { id, bakeform, boot, disks, notes } of pis) {
    const from = boot && join(root, 'boot', boot);
    await take(`pi:${id}`, { pi: id, bakeform, boot: from, disks: disks.map(inRoot), notes });
  }
  for (const disk of loose) await take(`disk:${disk.id}`, { disks: [inRoot(disk)], notes: disk.notes });

  const records = await listImports(db);
  const open = records.filter(({ outcome }) => outcome === 'problem');
  await writeFileAtomic(reportFile(root), importReport(records), 0o600);
  if (open.length === 0) await completeImport(db);
  log[open.length === 0 ? 'info' : 'warn'](
    { done: records.length - open.length, problems: open.length, report: reportFile(root) },
    open.length === 0
      ? 'everything was taken over'
      : 'not everything could be taken over; the report says what and why',
  );
}
