import { z } from 'zod';
import { describeError } from '../../../core/errors.ts';
import { requireDiskId, requirePiId } from '../../../core/ids.ts';
import { findDisk } from '../../../db/disks.ts';
import { findClaim } from '../../../db/journal.ts';
import { listPis, requirePi } from '../../../db/pis.ts';
import { notBaked } from '../../operations/disks.ts';
import { planUnbake } from '../../operations/unbake.ts';
import { AttachDisk } from '../../schema/disk.ts';
import { PiInfo, PiMap } from '../../schema/pi.ts';
import { Problem } from '../../schema/problem.ts';
import type { Api, ApiPorts } from '../api.ts';
import { requesterOf } from '../audit.ts';
import { whenFree } from '../patience.ts';
import { onePi, piMap } from '../views.ts';

const PiParam = z.object({ piId: z.string().meta({ example: '687680cd' }) });
const DiskParam = PiParam.extend({ diskId: z.string() });
/** A power-cycle is answered when it is done, or after this long: clients give up after 10 s. */
const ANSWER_WITHIN_MS = 8_000;

/** Pis that are baked or being worked on. */
export function ovenRoutes(app: Api, ports: ApiPorts): void {
  const { db, engine, power, clock } = ports;
  const read = async (piId: string) => onePi(db, await requirePi(db, requirePiId(piId)), ports);

  app.get(
    '/oven',
    {
      schema: {
        operationId: 'listOven',
        tags: ['oven'],
        summary: 'List the Pis that are baked or being worked on',
        response: { 200: PiMap, default: Problem },
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
      schema: {
        operationId: 'getPi',
        tags: ['oven'],
        summary: 'Get one Pi, whatever its status',
        params: PiParam,
        response: { 200: PiInfo, default: Problem },
      },
    },
    (request) => read(request.params.piId),
  );

  app.delete(
    '/oven/:piId',
    {
      schema: {
        operationId: 'unbakePi',
        tags: ['oven'],
        summary: 'Unbake: power off, destroy all its disks, back to the fridge',
        description:
          'Answers at once; the work goes on. A Pi that is being baked has its bake cancelled and undone; one that is held has its clean-up tried again; one in the fridge is left as it is.',
        params: PiParam,
        response: { 200: PiInfo, default: Problem },
      },
    },
    async (request) => {
      const id = requirePiId(request.params.piId);
      await whenFree(clock, async () => {
        const pi = await requirePi(db, id);
        const holder = await findClaim(db, `pi:${id}`);
        if (pi.state === 'fridge' || pi.state === 'unbaking') return;
        if (pi.state === 'held' && holder) {
          request.operation = holder.operation;
          return void (await engine.retry(holder.operation));
        }
        if (pi.state === 'baking' && holder && (await engine.cancel(holder.operation))) return;
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
      schema: {
        operationId: 'powercyclePi',
        tags: ['oven'],
        summary: 'Switch a baked Pi off and on again',
        description: 'Answered when done or after 8 s; a failure after that shows as `fault` of the Pi.',
        params: PiParam,
        response: { 200: PiInfo, default: Problem },
      },
    },
    async (request) => {
      const pi = await requirePi(db, requirePiId(request.params.piId));
      if (pi.state !== 'baked') throw notBaked(pi.id, pi.state);
      const cycle = power.cycle(pi.id);
      const late = new AbortController();
      await Promise.race([cycle, clock.sleep(ANSWER_WITHIN_MS, late.signal).catch(() => undefined)]).finally(() =>
        late.abort(),
      );
      cycle.catch((error) => request.log.warn({ pi: pi.id, error: describeError(error) }, 'power-cycle failed'));
      return read(pi.id);
    },
  );

  app.post(
    '/oven/:piId/disks',
    {
      schema: {
        operationId: 'attachDisk',
        tags: ['oven', 'disks'],
        summary: 'Attach a disk to a baked Pi',
        description: 'Attaching it to the same Pi again changes nothing.',
        params: PiParam,
        body: AttachDisk,
        response: { 200: PiInfo, default: Problem },
      },
    },
    async (request) => {
      const pi = (await requirePi(db, requirePiId(request.params.piId))).id;
      const disk = requireDiskId(request.body.diskId);
      await whenFree(clock, async () => {
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
      schema: {
        operationId: 'detachDisk',
        tags: ['oven', 'disks'],
        summary: 'Detach a disk from a Pi; the disk stays',
        description: 'The root disk cannot be detached. Detaching a disk that is attached to no Pi changes nothing.',
        params: DiskParam,
        response: { 200: PiInfo, default: Problem },
      },
    },
    async (request) => {
      const pi = (await requirePi(db, requirePiId(request.params.piId))).id;
      const disk = requireDiskId(request.params.diskId);
      await whenFree(clock, async () => {
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
