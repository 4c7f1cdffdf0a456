import { z } from 'zod';
import { describeError } from '../../../core/errors.ts';
import { requireDiskId, requirePiId } from '../../../core/ids.ts';
import { findDisk } from '../../../db/disks.ts';
import { findClaim } from '../../../db/journal.ts';
import { listPis, requirePi } from '../../../db/pis.ts';
import { notBaked } from '../../operations/disks.ts';
import { cancelledByUnbake } from '../../operations/rebake.ts';
import { planUnbake } from '../../operations/unbake.ts';
import { AttachDisk } from '../../schema/disk.ts';
import { PiInfo, PiMap } from '../../schema/pi.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { inTimeOrLater, whenFree } from '../patience.ts';
import { CHANGING, STARTING, together, WAITING } from '../problems.ts';
import { onePi, piMap } from '../views.ts';
import { WAYS_OUT } from '../ways-out.ts';

const PiParam = z.object({ piId: z.string().meta({ example: '687680cd' }) });
const DiskParam = PiParam.extend({ diskId: z.string() });

/** What putting a disk on a Pi or taking it off may be answered with. */
const PLACING = together(WAITING, CHANGING, {
  400: ['bad-pi-id', 'bad-disk-id'],
  404: ['pi-unknown', 'disk-unknown'],
  403: ['disk-is-root'],
  409: ['pi-not-baked'],
});

/** Pis that are baked or being worked on. */
export function ovenRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine, power, clock } = ports;
  const read = async (piId: string) => onePi(db, await requirePi(db, requirePiId(piId)), ports);

  app.get(
    '/oven',
    {
      config: { scope: 'viewer' },
      schema: {
        operationId: 'listOven',
        tags: ['oven'],
        summary: 'List the Pis that are baked or being worked on',
        response: { 200: PiMap },
      },
    },
    async () =>
      piMap(
        db,
        (await listPis(db)).filter((pi) => pi.state !== 'fridge' && !pi.quarantine),
        ports,
      ),
  );

  app.get(
    '/oven/:piId',
    {
      config: { scope: 'viewer', problems: { 400: ['bad-pi-id'], 404: ['pi-unknown'] } },
      schema: {
        operationId: 'getPi',
        tags: ['oven'],
        summary: 'Get one Pi, whatever its status',
        params: PiParam,
        response: { 200: PiInfo },
      },
    },
    (request) => read(request.params.piId),
  );

  app.delete(
    '/oven/:piId',
    {
      config: {
        scope: 'cpi',
        problems: together(STARTING, CHANGING, {
          400: ['bad-pi-id'],
          404: ['pi-unknown'],
          409: ['pi-state', 'not-stuck'],
        }),
      },
      schema: {
        operationId: 'unbakePi',
        tags: ['oven'],
        summary: 'Unbake: power off, destroy all its disks, back to the fridge',
        description: `Answers at once; the work goes on. A Pi that is being baked has its bake cancelled and undone; one that is held has its clean-up tried again; one in the fridge is left as it is. A rebake of the Pi is cancelled and undone, then the Pi is unbaked. ${WAYS_OUT}`,
        params: PiParam,
        response: { 200: PiInfo },
      },
    },
    async (request) => {
      const id = requirePiId(request.params.piId);
      const retried = new Set<string>();
      await whenFree(clock, request.raw.socket, async () => {
        const pi = await requirePi(db, id);
        const holder = await findClaim(db, `pi:${id}`);
        if (pi.state === 'fridge' || pi.state === 'unbaking') return;
        // What a rebake has done is undone first: then the Pi is baked as before, and unbaked like any other.
        const isRebake = holder?.kind === 'rebake';
        if (pi.state === 'held' && holder && !retried.has(holder.operation)) {
          request.operation = holder.operation;
          retried.add(holder.operation);
          await engine.retry(holder.operation);
          if (!isRebake) return;
        }
        if (pi.state === 'baking' && holder) {
          const isCancelled = await engine.cancel(holder.operation, isRebake ? cancelledByUnbake() : undefined);
          if (isCancelled && !isRebake) return;
        }
        // A power-off is its first step anyway, and a dead switch takes a minute to say so.
        if (holder?.kind === 'power') await engine.cancel(holder.operation);
        request.operation = (
          await engine.start('unbake', (trx) => planUnbake(trx, id), { by: requesterOf(request) })
        ).id;
      });
      return read(id);
    },
  );

  app.post(
    '/oven/:piId/powercycle',
    {
      config: {
        scope: 'cpi',
        problems: together(CHANGING, {
          400: ['bad-pi-id'],
          404: ['pi-unknown'],
          // Cancelled or too slow: an operation that had begun the same cycle, which this call only joined.
          409: ['pi-not-baked', 'overtaken', 'power-not-configured', 'port-not-ours', 'cancelled'],
          503: ['power-failed'],
          504: ['power-timeout', 'step-timeout'],
        }),
      },
      schema: {
        operationId: 'powercyclePi',
        tags: ['oven'],
        summary: 'Switch a baked Pi off and on again',
        description: 'Answered when done or after 8 s; a failure after that shows as `fault` of the Pi.',
        params: PiParam,
        response: { 200: PiInfo },
      },
    },
    async (request) => {
      const pi = await requirePi(db, requirePiId(request.params.piId));
      if (pi.state !== 'baked') throw notBaked(pi.id, pi.state);
      const cycle = power.cycle(pi.id);
      await inTimeOrLater(clock, cycle);
      cycle.catch((error) => request.log.warn({ pi: pi.id, error: describeError(error) }, 'power-cycle failed'));
      return read(pi.id);
    },
  );

  app.post(
    '/oven/:piId/disks',
    {
      config: {
        scope: 'cpi',
        problems: together(PLACING, {
          400: ['root-unfit'],
          403: ['path-refused'],
          409: ['disk-attached'],
          507: ['root-full'],
        }),
      },
      schema: {
        operationId: 'attachDisk',
        tags: ['oven', 'disks'],
        summary: 'Attach a disk to a baked Pi',
        description: 'Attaching it to the same Pi again changes nothing.',
        params: PiParam,
        body: AttachDisk,
        response: { 200: PiInfo },
      },
    },
    async (request) => {
      const pi = (await requirePi(db, requirePiId(request.params.piId))).id;
      const disk = requireDiskId(request.body.diskId);
      await whenFree(clock, request.raw.socket, async () => {
        const there = await findDisk(db, disk);
        const same = there?.pi === pi && there.state === 'ready' && there.role === 'data';
        if (same && !(await findClaim(db, `disk:${disk}`))) return;
        const started = await engine.start('attach', { disk, pi }, { by: requesterOf(request) });
        request.operation = started.id;
        await started.done;
      });
      return read(pi);
    },
  );

  app.delete(
    '/oven/:piId/disks/:diskId',
    {
      config: {
        scope: 'cpi',
        problems: together(PLACING, { 409: ['disk-not-attached'] }),
      },
      schema: {
        operationId: 'detachDisk',
        tags: ['oven', 'disks'],
        summary: 'Detach a disk from a Pi; the disk stays',
        description: 'The root disk cannot be detached. Detaching a disk that is attached to no Pi changes nothing.',
        params: DiskParam,
        response: { 200: PiInfo },
      },
    },
    async (request) => {
      const pi = (await requirePi(db, requirePiId(request.params.piId))).id;
      const disk = requireDiskId(request.params.diskId);
      await whenFree(clock, request.raw.socket, async () => {
        const there = await findDisk(db, disk);
        if (there?.state === 'ready' && !there.pi && !(await findClaim(db, `disk:${disk}`))) return;
        const started = await engine.start('detach', { disk, pi }, { by: requesterOf(request) });
        request.operation = started.id;
        await started.done;
      });
      return read(pi);
    },
  );
}
